//! What a PromQL expression asks for: metrics with the labels that select of them, and labels that it groups by. No parser of the language, only of
//! its words: enough to see whether a dashboard asks for what there is.

/// A word of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Word {
    Name(String),
    Sign(char),
}

/// What is asked for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Asked {
    /// Metrics, each with the labels between its braces.
    pub(crate) metrics: Vec<(String, Vec<String>)>,
    /// Labels after `by`, `without`, `on`, `ignoring` and `group_left`.
    pub(crate) labels: Vec<String>,
}

const KEYWORDS: [&str; 11] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "and",
    "or",
    "unless",
    "offset",
    "bool",
];

/// What stands before `by`.
const AGGREGATIONS: [&str; 6] = ["sum", "min", "max", "avg", "count", "group"];

pub(crate) fn asked(expression: &str) -> Asked {
    let words = words(expression);
    let mut asked = Asked::default();
    let mut at = 0;
    while at < words.len() {
        let Word::Name(name) = &words[at] else {
            at += 1;
            continue;
        };
        let next = words.get(at + 1);
        let listed = ["by", "without", "on", "ignoring", "group_left", "group_right"];
        if listed.contains(&name.as_str()) && next == Some(&Word::Sign('(')) {
            let list = words[at + 2..].iter().take_while(|word| **word != Word::Sign(')'));
            let inside: Vec<&Word> = list.collect();
            let names = inside.iter().filter_map(|word| name_of(word));
            asked.labels.extend(names);
            at += 2 + inside.len();
        } else if next == Some(&Word::Sign('{')) {
            let list = words[at + 2..].iter().take_while(|word| **word != Word::Sign('}'));
            let inside: Vec<&Word> = list.collect();
            let labels = inside.iter().filter_map(|word| name_of(word));
            asked.metrics.push((name.clone(), labels.collect()));
            at += 2 + inside.len();
        } else if next != Some(&Word::Sign('('))
            && !KEYWORDS.contains(&name.as_str())
            && !AGGREGATIONS.contains(&name.as_str())
        {
            asked.metrics.push((name.clone(), Vec::new()));
        }
        at += 1;
    }
    asked
}

fn name_of(word: &Word) -> Option<String> {
    if let Word::Name(name) = word { Some(name.clone()) } else { None }
}

/// Names and signs; texts, numbers and spans are left out.
fn words(expression: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut letters = expression.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '\'' => {
                while let Some(inside) = letters.next() {
                    match inside {
                        '\\' => drop(letters.next()),
                        end if end == letter => break,
                        _ => {}
                    }
                }
            }
            // A span such as `[5m]` or `[$__rate_interval]`.
            '[' => drop(letters.by_ref().find(|l| *l == ']')),
            digit if digit.is_ascii_digit() => {
                while letters.next_if(|l| l.is_ascii_alphanumeric() || *l == '.').is_some() {}
            }
            begin if begin.is_ascii_alphabetic() || begin == '_' || begin == ':' => {
                let mut name = begin.to_string();
                while let Some(more) =
                    letters.next_if(|l| l.is_ascii_alphanumeric() || *l == '_' || *l == ':')
                {
                    name.push(more);
                }
                words.push(Word::Name(name));
            }
            space if space.is_whitespace() => {}
            sign => words.push(Word::Sign(sign)),
        }
    }
    words
}

#[test]
fn an_expression_says_what_it_asks_for() {
    let found = asked(
        r#"histogram_quantile(0.95, sum by (le, journey) (rate(a_bucket{x=~"b{c}",y!="\""}[5m]))) / on(z) group_left b > 3 or vector(0)"#,
    );
    let metrics = [("a_bucket", vec!["x", "y"]), ("b", vec![])];
    let metrics: Vec<(String, Vec<String>)> = metrics
        .map(|(name, labels)| (name.to_owned(), labels.into_iter().map(str::to_owned).collect()))
        .into();
    assert_eq!(found.metrics, metrics);
    assert_eq!(found.labels, ["le", "journey", "z"]);
}
