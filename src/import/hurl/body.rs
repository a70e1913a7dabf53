//! Bodies of hurl files: JSON, XML, text between backticks, files, bytes.

use super::{broken, is_request, is_response, lines::template};
use crate::import::{
    draft::{Body, Draft},
    fault::ImportError,
    graphql,
    tree::Tree,
};

/// Whether a line begins a body.
pub(super) fn begins(line: &str) -> bool {
    let json = line.starts_with(['{', '"']) && !line.starts_with("{{") || line.starts_with('[');
    let bytes = ["base64,", "hex,", "file,"].iter().any(|begin| line.starts_with(begin));
    json || bytes || line.starts_with(['`', '<'])
}

/// Reads a body; gives the line behind it.
pub(super) fn read(
    lines: &[&str],
    from: usize,
    draft: &mut Draft,
) -> Result<(Body, usize), ImportError> {
    let first = lines[from].trim();
    if first.starts_with("```") {
        return fenced(lines, from, draft);
    }
    if let Some(rest) = first.strip_prefix('`') {
        let text = rest.split_once('`').map(|(text, _)| text);
        let text = text.ok_or_else(|| broken(from, "a backtick is left open"))?;
        return Ok((Body::Text(template(text, false)), from + 1));
    }
    if let Some(file) = first.strip_prefix("file,") {
        let file = file.split(';').next().unwrap_or_default().trim();
        let short = file.rsplit('/').next().unwrap_or_default().to_owned();
        draft.look(format!("the file {short}"), "put it beside the journey");
        return Ok((Body::File(short), from + 1));
    }
    if first.starts_with("base64,") || first.starts_with("hex,") {
        draft.unsupported("a body of bytes", "put it into a file and name that with `body_file`");
        let end = (from..lines.len()).find(|at| lines[*at].contains(';')).unwrap_or(from);
        return Ok((Body::None, end + 1));
    }
    // JSON and XML go on until something else begins.
    let ends = |line: &str| {
        let line = line.trim();
        is_request(line)
            || is_response(line)
            || (line.starts_with('[')
                && line.ends_with(']')
                && line[1..line.len() - 1].chars().all(|c| c.is_ascii_alphabetic())
                && line.len() > 2)
    };
    let mut end = (from + 1..lines.len()).find(|at| ends(lines[*at])).unwrap_or(lines.len());
    while end > from + 1
        && (lines[end - 1].trim().is_empty() || lines[end - 1].trim().starts_with('#'))
    {
        end -= 1;
    }
    let text = lines[from..end].join("\n");
    let text = template(text.trim(), false);
    if first.starts_with('<') {
        return Ok((Body::Text(text), end));
    }
    let tree =
        Tree::parse(&text).ok_or_else(|| broken(from, "the body that begins here is not JSON"))?;
    Ok((Body::Json(tree), end))
}

/// ```` ```json ````, ```` ```graphql ````, or text between three backticks.
fn fenced(lines: &[&str], from: usize, draft: &mut Draft) -> Result<(Body, usize), ImportError> {
    let first = lines[from].trim().trim_start_matches("```");
    if let Some((text, _)) = first.split_once("```") {
        return Ok((Body::Text(template(text, false)), from + 1));
    }
    let end = (from + 1..lines.len()).find(|at| lines[*at].trim_end().ends_with("```"));
    let end = end.ok_or_else(|| broken(from, "three backticks are left open"))?;
    let mut inner: Vec<&str> = lines[from + 1..end].to_vec();
    let last = lines[end].trim_end().trim_end_matches("```");
    if !last.is_empty() {
        inner.push(last);
    }
    let language = first.split(',').next().unwrap_or_default().trim();
    let text = inner.join("\n");
    let body = match language {
        "json" => match Tree::parse(&template(&text, false)) {
            Some(tree) => graphql::of_json(tree),
            None => Body::Text(template(&text, false)),
        },
        "graphql" => {
            let (query, variables) = match text.split_once("\nvariables") {
                Some((query, variables)) => {
                    (query, Tree::parse(&template(variables.trim(), false)))
                }
                None => (text.as_str(), None),
            };
            if variables.as_ref().is_some_and(|variables| !variables.is_toml()) {
                draft.look(
                    "variables of a GraphQL body",
                    "they hold what TOML cannot say, and were left out",
                );
            }
            let variables = variables.filter(Tree::is_toml);
            Body::GraphQl { query: template(query.trim(), false), variables, operation: None }
        }
        _ => Body::Text(template(&format!("{text}\n"), false)),
    };
    Ok((body, end + 1))
}
