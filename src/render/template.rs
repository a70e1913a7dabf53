//! Handlebars templates: strict, without HTML escaping, compiled once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use handlebars::{
    Handlebars, Helper, HelperDef, Path, PathSeg, RenderContext, RenderError, RenderErrorReason,
    Renderable, ScopedJson, Template as Parsed, no_escape,
    template::{BlockParam, HelperTemplate, Parameter, TemplateElement},
};

use jiff::Timestamp;

use super::totp::{Codes, Totp};
use crate::model::Text;

/// The name under which a template's registry knows it.
const NAME: &str = "text";

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateFault {
    /// What is wrong: lower case, without the values of variables.
    pub message: String,
    /// Where in the text, in bytes, if that is known.
    pub offset: Option<usize>,
}

/// A compiled template. Unknown names are errors when it is filled, and nothing is HTML-escaped.
///
/// Besides handlebars' own helpers (`if`, `unless`, `each`, `with`, `lookup`, `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `and`, `or`, `not`,
/// `len`, `raw`) there are `urlencode` (RFC 3986, everything but unreserved characters), `base64` (RFC 4648, section 4) and
/// `default`: `{{default name 'none'}}` is `none` where `name` has no value. `totp` (RFC 6238) needs the time: see [`Template::fill_at`].
/// Partials and decorators are refused, and so is `log`: it would write variables to a log.
#[derive(Clone)]
pub struct Template {
    registry: Handlebars<'static>,
    names: BTreeSet<String>,
    needed: BTreeSet<String>,
    /// Whether it makes one-time codes.
    timed: bool,
}

/// A text that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The text.
    pub text: String,
    /// The one-time codes in it: whoever has one can sign in with it for a while.
    pub codes: Vec<String>,
}

impl Template {
    /// Compiles a text.
    ///
    /// # Errors
    ///
    /// A syntax that handlebars does not know, an unknown helper, a partial or a decorator.
    pub fn compile(text: &Text) -> Result<Self, TemplateFault> {
        let parsed = Parsed::compile(&text.0).map_err(|error| TemplateFault {
            message: tidy(&error.reason().to_string()),
            offset: error.pos().map(|(line, column)| offset(&text.0, line, column)),
        })?;
        let mut walk = Walk {
            text: &text.0,
            names: BTreeSet::new(),
            needed: BTreeSet::new(),
            timed: false,
            within: 0,
            fault: None,
        };
        walk.template(&parsed, &[]);
        if let Some(fault) = walk.fault {
            return Err(fault);
        }
        let (names, needed, timed) = (walk.names, walk.needed, walk.timed);
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(no_escape);
        registry.unregister_helper("log");
        registry.register_helper("urlencode", Box::new(UrlEncode));
        registry.register_helper("base64", Box::new(Base64));
        registry.register_helper("default", Box::new(OrElse));
        registry.register_template(NAME, parsed);
        Ok(Self { registry, names, needed, timed })
    }

    /// The root names it reads: `{{a.b}}` reads `a`. Loop variables, `@index` and helpers are not names.
    pub fn names(&self) -> BTreeSet<String> {
        self.names.clone()
    }

    /// The names it cannot be filled without: those that do not only stand before a default.
    pub fn needed(&self) -> &BTreeSet<String> {
        &self.needed
    }

    /// Fills the template.
    ///
    /// # Errors
    ///
    /// A name that `vars` does not have, or a helper that does not get what it needs. The message holds names, never values.
    pub fn fill(&self, vars: &BTreeMap<String, String>) -> Result<String, TemplateFault> {
        self.fill_at(vars, Timestamp::UNIX_EPOCH).map(|filled| filled.text)
    }

    /// Fills the template at a moment, which one-time codes depend on.
    ///
    /// # Errors
    ///
    /// As [`Template::fill`].
    pub fn fill_at(
        &self,
        vars: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Filled, TemplateFault> {
        let filled = if self.timed {
            self.fill_timed(vars, now)
        } else {
            let text = self.registry.render(NAME, vars);
            text.map(|text| Filled { text, codes: Vec::new() })
        };
        filled.map_err(|error| TemplateFault {
            message: match error.reason() {
                RenderErrorReason::MissingVariable(Some(name)) => {
                    format!("`{name}` is not defined")
                }
                RenderErrorReason::MissingVariable(None) => "a name is not defined".to_owned(),
                other => tidy(&other.to_string()),
            },
            offset: None,
        })
    }

    /// The helper of one-time codes lives only as long as the filling: a compiled template is shared, and the time is not in it.
    fn fill_timed(
        &self,
        vars: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Filled, RenderError> {
        let codes = Codes::default();
        let totp =
            Totp { now: u64::try_from(now.as_second()).unwrap_or(0), codes: Arc::clone(&codes) };
        let context = handlebars::Context::wraps(vars)?;
        let template = self
            .registry
            .get_template(NAME)
            .ok_or_else(|| RenderErrorReason::TemplateNotFound(NAME.to_owned()))?;
        let mut render = RenderContext::new(template.name.as_ref());
        render.register_local_helper("totp", Box::new(totp));
        let text = template.renders(&self.registry, &context, &mut render)?;
        drop(render);
        let codes = std::mem::take(&mut *codes.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Filled { text, codes })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Gathers names and finds what we do not allow.
struct Walk<'a> {
    text: &'a str,
    names: BTreeSet<String>,
    /// Those that must have a value.
    needed: BTreeSet<String>,
    timed: bool,
    /// How many blocks are around that have an element of their own.
    within: usize,
    fault: Option<TemplateFault>,
}

impl Walk<'_> {
    fn template(&mut self, template: &Parsed, bound: &[String]) {
        for (index, element) in template.elements.iter().enumerate() {
            let at = template.mapping.get(index).map(|m| offset(self.text, m.0, m.1));
            self.element(element, bound, at);
        }
    }

    fn element(&mut self, element: &TemplateElement, bound: &[String], at: Option<usize>) {
        match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
            TemplateElement::Expression(helper)
            | TemplateElement::HtmlExpression(helper)
            | TemplateElement::HelperBlock(helper) => self.helper(helper, bound, at),
            TemplateElement::PartialExpression(_) | TemplateElement::PartialBlock(_) => {
                self.refuse("partials cannot be used here".to_owned(), at);
            }
            TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
                self.refuse("decorators cannot be used here".to_owned(), at);
            }
            _ => self.refuse("this cannot be used here".to_owned(), at),
        }
    }

    fn helper(&mut self, helper: &HelperTemplate, bound: &[String], at: Option<usize>) {
        let called = helper.block || !helper.params.is_empty() || !helper.hash.is_empty();
        let name = helper.name.as_name().unwrap_or_default();
        let known = Text::HELPERS.contains(&name);
        self.timed |= called && name == "totp";
        if called && !known {
            let hint = if name == "else" { " (is its block missing?)" } else { "" };
            self.refuse(format!("there is no helper `{name}`{hint}"), at);
        } else if !called && known {
            self.refuse(format!("the helper `{name}` needs an argument"), at);
        } else if !called {
            self.parameter(&helper.name, bound, at);
        }
        for (nth, parameter) in helper.params.iter().chain(helper.hash.values()).enumerate() {
            let before = self.needed.clone();
            self.parameter(parameter, bound, at);
            if name == "default" && nth == 0 {
                self.needed = before;
            }
        }
        let mut inner = bound.to_vec();
        match &helper.block_param {
            Some(BlockParam::Single(one)) => inner.extend(one.as_name().map(str::to_owned)),
            Some(BlockParam::Pair((one, two))) => {
                inner.extend([one, two].into_iter().filter_map(|p| p.as_name().map(str::to_owned)));
            }
            _ => {}
        }
        let element = usize::from(matches!(name, "each" | "with"));
        self.within += element;
        if let Some(template) = &helper.template {
            self.template(template, &inner);
        }
        self.within -= element;
        if let Some(template) = &helper.inverse {
            self.template(template, &inner);
        }
    }

    fn parameter(&mut self, parameter: &Parameter, bound: &[String], at: Option<usize>) {
        match parameter {
            Parameter::Name(name) => self.name(name, bound),
            Parameter::Path(Path::Relative((segments, raw))) => {
                let first = segments.iter().find_map(|segment| match segment {
                    PathSeg::Named(name) => Some(name.as_str()),
                    _ => None,
                });
                match first {
                    Some(name) => self.name(name, bound),
                    None if self.within == 0 => self.homeless(raw, at),
                    None => {}
                }
            }
            Parameter::Path(Path::Local((_, _, raw))) if self.within == 0 => {
                self.homeless(raw, at);
            }
            Parameter::Subexpression(inner) => self.element(inner.as_element(), bound, at),
            _ => {}
        }
    }

    fn name(&mut self, name: &str, bound: &[String]) {
        if !bound.iter().any(|b| b == name) {
            self.names.insert(name.to_owned());
            self.needed.insert(name.to_owned());
        }
    }

    /// What has a meaning only within a block.
    fn homeless(&mut self, raw: &str, at: Option<usize>) {
        self.refuse(format!("`{raw}` is not the name of a variable"), at);
    }

    fn refuse(&mut self, message: String, offset: Option<usize>) {
        self.fault.get_or_insert(TemplateFault { message, offset });
    }
}

/// Line and column (both from 1, the column in characters) as a byte offset.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start =
        text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    let within = text[start..].char_indices().nth(column.saturating_sub(1));
    within.map_or(text.len(), |(at, _)| start + at)
}

/// The first line of a message of handlebars, in our form: lower case, without a full stop.
fn tidy(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    let mut chars = line.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

struct UrlEncode;

impl HelperDef for UrlEncode {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc handlebars::Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value = argument("urlencode", helper)?;
        let encoded = percent_encoding::utf8_percent_encode(&value, RESERVED).to_string();
        Ok(ScopedJson::Derived(encoded.into()))
    }
}

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

struct Base64;

impl HelperDef for Base64 {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc handlebars::Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value = argument("base64", helper)?;
        Ok(ScopedJson::Derived(BASE64_STANDARD.encode(value).into()))
    }
}

/// `{{default name "none"}}`: the second argument where the first has no value.
struct OrElse;

impl HelperDef for OrElse {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc handlebars::Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let Some([value, instead]) = helper.params().get(..2) else {
            return Err(RenderErrorReason::ParamNotFoundForIndex("default", 1).into());
        };
        if value.is_value_missing() {
            if instead.is_value_missing() {
                let path = instead.relative_path().cloned();
                return Err(RenderErrorReason::MissingVariable(path).into());
            }
            return Ok(ScopedJson::Derived(instead.value().clone()));
        }
        Ok(ScopedJson::Derived(value.value().clone()))
    }
}

/// All arguments of a helper, written one after the other: `{{base64 user ":" password}}`.
pub(super) fn argument(name: &'static str, helper: &Helper<'_>) -> Result<String, RenderError> {
    if helper.params().is_empty() {
        return Err(RenderErrorReason::ParamNotFoundForIndex(name, 0).into());
    }
    let mut all = String::new();
    for parameter in helper.params() {
        if parameter.is_value_missing() {
            let path = parameter.relative_path().cloned();
            return Err(RenderErrorReason::MissingVariable(path).into());
        }
        match parameter.value() {
            serde_json::Value::String(text) => all.push_str(text),
            other => all.push_str(&other.to_string()),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &str) -> Result<Template, TemplateFault> {
        Template::compile(&Text(text.to_owned()))
    }

    fn vars(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn fills_without_escaping() {
        let template = compile("{{base_url}}/a?q={{q}}&x={{{q}}}").unwrap();
        let filled = template.fill(&vars(&[("base_url", "http://x"), ("q", "<a & \"b\">")]));
        assert_eq!(filled.unwrap(), "http://x/a?q=<a & \"b\">&x=<a & \"b\">");
    }

    #[test]
    fn a_missing_name_is_an_error_that_names_it() {
        let fault = compile("{{user}}").unwrap().fill(&BTreeMap::new()).unwrap_err();
        assert_eq!(fault.message, "`user` is not defined");
        for text in ["{{urlencode user}}", "{{base64 user}}"] {
            let fault = compile(text).unwrap().fill(&BTreeMap::new()).unwrap_err();
            assert!(fault.message.contains("user"), "{}", fault.message);
        }
    }

    #[test]
    fn names_are_the_roots() {
        for (text, names) in [
            ("plain", vec![]),
            ("{{a}} {{b.c}} {{{d}}}", vec!["a", "b", "d"]),
            ("{{#if a}}{{b}}{{else}}{{c}}{{/if}}", vec!["a", "b", "c"]),
            ("{{#if a}}x{{else if b}}y{{else}}{{c}}{{/if}}", vec!["a", "b", "c"]),
            ("{{#each list as |item i|}}{{item}}{{i}}{{@index}}{{/each}}", vec!["list"]),
            ("{{urlencode a}}{{#if (eq b \"x\")}}1{{/if}}", vec!["a", "b"]),
            ("{{@root.a}}", vec!["a"]),
            ("{{! comment {{a}} }}", vec![]),
            ("\\{{a}}", vec![]),
            ("{{base64 user \":\" password}}", vec!["password", "user"]),
        ] {
            let Ok(template) = compile(text) else { panic!("{text} did not compile") };
            assert_eq!(template.names().into_iter().collect::<Vec<_>>(), names, "{text}");
        }
    }

    #[test]
    fn faults_have_an_offset() {
        for (text, at) in [
            ("{{", 2),
            ("ä {{#if a}}", 12),
            ("one\ntwo {{nope x}}", 8),
            ("{{> part}}", 0),
            ("{{log password}}", 0),
            ("ok {{len}}", 3),
            ("{{*inline \"x\"}}", 0),
        ] {
            let fault = compile(text).unwrap_err();
            let offset = fault.offset.unwrap_or_else(|| panic!("{text}: {}", fault.message));
            assert!(offset <= text.len() && text.is_char_boundary(offset), "{text}");
            assert!(
                offset.abs_diff(at) <= 3,
                "{text}: {} at {offset}, expected about {at}",
                fault.message
            );
        }
    }

    #[test]
    fn our_helpers() {
        let values = vars(&[("u", "probe"), ("p", "a b/ä")]);
        let filled = compile("{{urlencode p}} {{base64 u \":\" p}}").unwrap().fill(&values);
        assert_eq!(filled.unwrap(), "a%20b%2F%C3%A4 cHJvYmU6YSBiL8Ok");
    }

    #[test]
    fn a_default_stands_in_for_what_has_no_value() {
        let template = compile("{{default plan \"none\"}}/{{default a b}}").unwrap();
        assert_eq!(template.names().into_iter().collect::<Vec<_>>(), ["a", "b", "plan"]);
        assert_eq!(template.needed().iter().collect::<Vec<_>>(), ["b"]);
        assert_eq!(compile("{{default a \"1\"}}{{a}}").unwrap().needed().len(), 1);
        let fill = |text: &str, values: &[(&str, &str)]| compile(text).unwrap().fill(&vars(values));
        assert_eq!(fill("{{default plan \"none\"}}", &[]).unwrap(), "none");
        assert_eq!(fill("{{default plan \"none\"}}", &[("plan", "pro")]).unwrap(), "pro");
        assert_eq!(fill("{{default plan other}}", &[("other", "x")]).unwrap(), "x");
        assert!(fill("{{default plan other}}", &[]).is_err());
        assert!(fill("{{default plan}}", &[("plan", "x")]).is_err());
    }

    #[test]
    fn one_time_codes_are_told_apart() {
        let values = vars(&[("secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), ("user", "probe")]);
        let at = Timestamp::from_second(59).unwrap();
        let filled = compile("{{user}}:{{totp secret}}").unwrap().fill_at(&values, at).unwrap();
        assert_eq!(filled.text, "probe:287082");
        assert_eq!(filled.codes, ["287082"]);
        let text = "{{urlencode (totp secret digits=8 period=60 algorithm=\"sha256\")}}";
        let filled = compile(text).unwrap().fill_at(&values, at).unwrap();
        assert_eq!((filled.text.len(), filled.codes.len()), (8, 1));
        assert_eq!(compile("{{user}}").unwrap().fill_at(&values, at).unwrap().codes, [""; 0]);
        for text in
            ["{{totp user digits=4}}", "{{totp \"1!\"}}", "{{totp secret algorithm=\"md5\"}}"]
        {
            let fault = compile(text).unwrap().fill_at(&values, at).unwrap_err();
            assert!(fault.message.contains("totp: "), "{}", fault.message);
        }
        assert!(compile("{{totp}}").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[{}#/a-z@.! |\"()&>*\\\\\\n]{0,40}") {
            if let Ok(template) = compile(&text) {
                let _filled = template.fill(&vars(&[("a", "1")]));
            }
        }
    }
}
