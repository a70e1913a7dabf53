//! Whole bodies by templates of one's own.
//!
//! Values are escaped twice: for the receiver's markup, as in titles and texts, and for JSON where the body is JSON; so `"text": "{{title}}"` is JSON
//! whatever the title holds. `title` and `text` are those of the receiver, laid out before. `{{json change}}` writes a value as it is, quotes and all.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason,
    no_escape,
};
use serde_json::{Value, json};

use super::words::{WordsFault, fault, tidy};

/// `{{json value}}`: what it writes is not escaped any more.
struct AsJson;

impl HelperDef for AsJson {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = helper.param(0).ok_or(RenderErrorReason::ParamNotFoundForIndex("json", 0))?;
        out.write(&value.value().to_string())?;
        Ok(())
    }
}

/// A template of a whole body, compiled.
#[derive(Debug, Clone)]
pub(super) struct Body {
    key: &'static str,
    registry: Handlebars<'static>,
    /// The escapes of the receiver's markup.
    markup: fn(&str) -> String,
    form: Form,
}

/// What a body must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Anything.
    Text,
    /// Any JSON.
    Json,
    /// An object: what chats take.
    Object,
}

impl Body {
    /// # Errors
    /// A template that handlebars does not take.
    pub(super) fn new(
        key: &'static str,
        template: &str,
        markup: fn(&str) -> String,
        form: Form,
    ) -> Result<Self, WordsFault> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.unregister_helper("log");
        registry.register_helper("json", Box::new(AsJson));
        registry.register_escape_fn(if form == Form::Text { no_escape } else { inside_quotes });
        registry
            .register_template_string(key, template)
            .map_err(|e| WordsFault { key, message: tidy(&e.reason().to_string()) })?;
        Ok(Self { key, registry, markup, form })
    }

    /// Filled with these facts; `laid_out` are in the receiver's markup already.
    ///
    /// # Errors
    /// A name that is not there, and a body that is not JSON where it must be.
    pub(super) fn fill(
        &self,
        mut facts: Value,
        laid_out: &[(&str, String)],
    ) -> Result<String, WordsFault> {
        self.escape(&mut facts);
        for (name, text) in laid_out {
            facts[*name] = json!(text);
        }
        let text = self.registry.render(self.key, &facts).map_err(|e| fault(self.key, &e))?;
        let text = text.trim();
        let refused = |message| Err(WordsFault { key: self.key, message });
        if self.form != Form::Text {
            match serde_json::from_str::<Value>(text) {
                Err(e) => return refused(format!("what comes of it is not JSON: {e}")),
                Ok(value) if self.form == Form::Object && !value.is_object() => {
                    return refused("what comes of it is JSON, but no object".to_owned());
                }
                Ok(_) => {}
            }
        } else if text.is_empty() {
            return refused("nothing comes of it".to_owned());
        }
        Ok(text.to_owned())
    }

    /// Every text but addresses, which no markup reads into.
    fn escape(&self, value: &mut Value) {
        match value {
            Value::String(text)
                if !text.starts_with("https://") && !text.starts_with("http://") =>
            {
                *text = (self.markup)(text);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.escape(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.escape(field)),
            _ => {}
        }
    }
}

/// A text as it stands between the quotes of JSON.
fn inside_quotes(text: &str) -> String {
    let quoted = json!(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, form: Form) -> Result<String, String> {
        let shout = |text: &str| text.replace('<', "&lt;");
        let body = Body::new("body", template, shout, form).map_err(|e| e.message)?;
        let facts = json!({
            "name": "a \"b\" \\ <c>\n\u{1}", "page": "https://x.example/<1>", "list": ["x", "y"], "one": { "n": 1, "no": null }
        });
        body.fill(facts, &[("title", "<https://x|y> \"q\"".to_owned())]).map_err(|e| e.message)
    }

    #[test]
    fn values_cannot_break_out_of_json() {
        let text = fill(r#"{"a": "{{name}}", "t": "{{title}}", "p": "{{page}}"}"#, Form::Object);
        let value: Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert_eq!(value["a"], "a \"b\" \\ &lt;c>\n\u{1}");
        assert_eq!(value["t"], "<https://x|y> \"q\"");
        assert_eq!(value["p"], "https://x.example/<1>");
    }

    #[test]
    fn values_may_be_written_whole() {
        let text = fill(r#"[{{json list}}, {{json one}}, {{json name}}]"#, Form::Json).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!([["x", "y"], { "n": 1, "no": null }, "a \"b\" \\ &lt;c>\n\u{1}"]));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for (template, form, expected) in [
            ("{\"a\": }", Form::Json, "what comes of it is not JSON: expected value at line 1"),
            ("[]", Form::Object, "what comes of it is JSON, but no object"),
            ("{{nom}}", Form::Text, "has no `nom`"),
            ("  ", Form::Text, "nothing comes of it"),
            ("{{#each list}}", Form::Text, ""),
        ] {
            let fault = fill(template, form).unwrap_err();
            assert!(fault.contains(expected), "{template}: {fault}");
        }
        assert_eq!(fill("{{title}}!", Form::Text).unwrap(), "<https://x|y> \"q\"!");
    }
}
