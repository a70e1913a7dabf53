//! What editors are told of bodies.

use serde_json::{Value, json};

use crate::config::schema::words::{
    Key, any, either, free, limited, list, map, pairs, table, template, text,
};

pub(super) fn form_schema() -> Value {
    pairs("Sent as `application/x-www-form-urlencoded`, in this order; values are templates.")
}

pub(super) fn json_schema() -> Value {
    json!({ "description": "Sent as JSON; every text in it is a template. A text is sent as it is: the JSON itself." })
}

pub(super) fn text_schema() -> Value {
    json!({ "type": "string", "description": "Sent as it is, a template; say its type in `headers`." })
}

pub(super) fn file_schema() -> Value {
    text(
        "A file below the folder of this one, sent as it is, of at most 16 MiB; its type is told by its ending.",
    )
}

pub(super) fn multipart_schema() -> Value {
    let field = "One field.";
    let content = |more: Vec<Key>, required: &[&str]| {
        let keys = vec![
            ("text", template("What it holds: a template.")),
            (
                "file",
                text("What it holds: a file below the folder of this one, of at most 16 MiB."),
            ),
            ("type", media_type("Its type, such as `image/png`.")),
            ("filename", text("What the server is told that the file is called.")),
        ];
        either(table(field, required, more.into_iter().chain(keys).collect()), "text", "file")
    };
    let named = content(vec![("name", text("The name of the field."))], &["name"]);
    let listed = limited(list("Fields in this order.", named), json!({ "minItems": 1 }));
    let texts = any(field, vec![template("What it holds: a template."), content(Vec::new(), &[])]);
    any("Sent as `multipart/form-data`.", vec![map("Fields by their names.", texts), listed])
}

fn media_type(about: &str) -> Value {
    limited(text(about), json!({ "pattern": "^[^/]+/.+$" }))
}

pub(super) fn graphql_schema() -> Value {
    let keys = vec![
        ("query", text("The document, a template.")),
        ("file", text("The file of the document, below the folder of this one; no template.")),
        ("variables", free("The variables of the document; every text in them is a template.")),
        ("operation", text("Which operation of the document, where it has several.")),
    ];
    let whole = table("A GraphQL request, sent by POST unless `method` says otherwise.", &[], keys);
    either(whole, "query", "file")
}
