//! A journey in the making: what importers fill and the rest of the module refines.

use super::{
    imported::{Note, NoteKind},
    text::Text,
    tree::Tree,
    vault::Vault,
};

/// Most steps that are imported: nobody reads a longer journey.
pub(super) const MOST_STEPS: usize = 200;

/// A journey before its secrets, site and names are settled.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What the input calls itself.
    pub(super) title: Option<String>,
    /// Where it comes from, for the comment at the top: "a recording by Firefox".
    pub(super) origin: String,
    /// How much of the input became steps: "6 of 41 requests".
    pub(super) share: String,
    /// The steps.
    pub(super) steps: Vec<Step>,
    /// What should be known.
    pub(super) notes: Vec<Note>,
    /// Variables with a value that is not secret.
    pub(super) vars: Vec<(String, String)>,
    /// The site with its path, where the input says one: `https://api.example.com/v1`.
    pub(super) base: Option<String>,
    /// Keys of the environment besides its site: `proxy`, `insecure`, …
    pub(super) settings: Vec<(String, Tree)>,
    /// The secrets met so far.
    pub(super) vault: Vault,
}

impl Draft {
    /// Adds a note.
    pub(super) fn note(&mut self, kind: NoteKind, what: impl Into<String>, why: impl Into<String>) {
        let note = Note { kind, what: what.into(), why: why.into() };
        if !self.notes.contains(&note) || note.kind == NoteKind::LeftOut {
            self.notes.push(note);
        }
    }

    /// Notes that something cannot be said.
    pub(super) fn unsupported(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.note(NoteKind::NotSupported, what, why);
    }

    /// Notes that something should be looked at.
    pub(super) fn look(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.note(NoteKind::LookAt, what, why);
    }

    /// Notes that something was left out.
    pub(super) fn left_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.note(NoteKind::LeftOut, what, why);
    }
}

/// One step.
#[derive(Debug, Clone, Default)]
pub(super) struct Step {
    /// Its name; made from the request where it is empty.
    pub(super) name: String,
    /// Lines for people, above it.
    pub(super) comments: Vec<String>,
    pub(super) method: String,
    /// The address without its query; begins with a variable, or with `http`.
    pub(super) url: Text,
    pub(super) query: Vec<(String, Text)>,
    pub(super) headers: Vec<(String, Text)>,
    pub(super) body: Body,
    pub(super) auth: Option<Auth>,
    /// Further keys of `[step.http]`: `redirects`, `http`, `ip`.
    pub(super) http: Vec<(String, Tree)>,
    /// Further keys of `[[step]]`: `effect`, `timeout`, `delay`, `retry`, `when`.
    pub(super) keys: Vec<(String, Tree)>,
    pub(super) expects: Vec<Expect>,
    pub(super) captures: Vec<Capture>,
}

impl Step {
    /// Whether a key of the step was said.
    pub(super) fn says(&self, key: &str) -> bool {
        self.keys.iter().any(|(known, _)| known == key)
    }

    /// Every text that is sent.
    pub(super) fn each_sent(&mut self, with: &mut impl FnMut(&mut Text)) {
        with(&mut self.url);
        self.query.iter_mut().for_each(|(_, text)| with(text));
        self.headers.iter_mut().for_each(|(_, text)| with(text));
        match &mut self.body {
            Body::None | Body::File(_) => {}
            Body::Form(fields) => fields.iter_mut().for_each(|(_, text)| with(text)),
            Body::Json(tree) => tree.each_text(with),
            Body::Text(text) => with(text),
            Body::Multipart(parts) => parts.iter_mut().for_each(|part| match &mut part.content {
                Content::Text(text) => with(text),
                Content::File(_) => {}
            }),
            Body::GraphQl { query, variables, .. } => {
                with(query);
                variables.iter_mut().for_each(|tree| tree.each_text(with));
            }
        }
        if let Some(auth) = &mut self.auth {
            auth.1.iter_mut().for_each(|(_, text)| with(text));
        }
        self.http.iter_mut().chain(&mut self.keys).for_each(|(_, tree)| tree.each_text(with));
    }

    /// Every text, sent or asserted.
    pub(super) fn each_text(&mut self, with: &mut impl FnMut(&mut Text)) {
        self.each_sent(with);
        for expect in &mut self.expects {
            expect.predicates.iter_mut().for_each(|(_, tree)| tree.each_text(with));
        }
    }
}

/// What a step sends.
#[derive(Debug, Clone, Default)]
pub(super) enum Body {
    #[default]
    None,
    Form(Vec<(String, Text)>),
    Json(Tree),
    Text(Text),
    Multipart(Vec<Part>),
    /// A file beside the journey.
    File(String),
    GraphQl {
        query: Text,
        variables: Option<Tree>,
        operation: Option<String>,
    },
}

/// One part of a multipart body.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) content: Content,
    /// Its media type.
    pub(super) media: Option<String>,
}

/// What is in a part.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Text(Text),
    /// A file beside the journey.
    File(String),
}

/// How a step signs in: the kind (`basic`, `bearer`, …) and its fields in order; `bearer` has one without a name.
#[derive(Debug, Clone)]
pub(super) struct Auth(pub(super) &'static str, pub(super) Vec<(String, Text)>);

/// Where in a response a value is found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    /// `status`, `header`, …
    pub(super) subject: String,
    /// The name, path or selector; none for those that stand alone.
    pub(super) of: Option<String>,
    pub(super) attribute: Option<String>,
    pub(super) filters: Vec<Tree>,
}

impl Query {
    /// A query that needs no more words.
    pub(super) fn plain(subject: &str) -> Self {
        Self { subject: subject.to_owned(), of: None, attribute: None, filters: Vec::new() }
    }

    /// A query with a name, path, selector or pattern.
    pub(super) fn named(subject: &str, of: impl Into<String>) -> Self {
        Self { of: Some(of.into()), ..Self::plain(subject) }
    }

    /// The same with an attribute.
    pub(super) fn attribute(self, attribute: impl Into<String>) -> Self {
        Self { attribute: Some(attribute.into()), ..self }
    }

    /// The same with a filter behind it.
    pub(super) fn filter(mut self, filter: Tree) -> Self {
        self.filters.push(filter);
        self
    }

    /// Its keys in a table.
    pub(super) fn members(&self) -> Vec<(String, Tree)> {
        let of = self.of.as_ref().map_or(Tree::Bool(true), |of| Tree::text(of.clone()));
        let mut members = vec![(self.subject.clone(), of)];
        if let Some(attribute) = &self.attribute {
            members.push(("attribute".to_owned(), Tree::text(attribute.clone())));
        }
        match &self.filters[..] {
            [] => {}
            [Tree::Text(one)] => members.push(("filter".to_owned(), Tree::Text(one.clone()))),
            filters => members.push(("filter".to_owned(), Tree::List(filters.to_vec()))),
        }
        members
    }
}

/// What must hold of a query's answer: keys of predicates with their values.
#[derive(Debug, Clone)]
pub(super) struct Expect {
    pub(super) query: Query,
    pub(super) predicates: Vec<(String, Tree)>,
}

impl Expect {
    /// A predicate the other way round, as it reads best: `exists = false`, `not_contains = "x"`.
    pub(super) fn negated(key: &str, value: Tree) -> (String, Tree) {
        match (key, &value) {
            ("exists" | "is_empty", Tree::Bool(truth)) => (key.to_owned(), Tree::Bool(!truth)),
            ("not_equals", _) => ("equals".to_owned(), value),
            _ => (format!("not_{key}"), value),
        }
    }

    /// One predicate on one query.
    pub(super) fn new(query: Query, predicate: &str, value: Tree) -> Self {
        Self { query, predicates: vec![(predicate.to_owned(), value)] }
    }
}

/// One value kept under a name.
#[derive(Debug, Clone)]
pub(super) struct Capture {
    pub(super) name: String,
    pub(super) query: Query,
    pub(super) secret: bool,
}
