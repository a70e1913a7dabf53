//! The roles of elements (WAI-ARIA 1.2, section 5.4), without those that are abstract or say that there is none.

use crate::config::{hint, value::Entry};

pub(super) const ROLES: [&str; 79] = [
    "alert",
    "alertdialog",
    "application",
    "article",
    "banner",
    "blockquote",
    "button",
    "caption",
    "cell",
    "checkbox",
    "code",
    "columnheader",
    "combobox",
    "complementary",
    "contentinfo",
    "definition",
    "deletion",
    "dialog",
    "directory",
    "document",
    "emphasis",
    "feed",
    "figure",
    "form",
    "grid",
    "gridcell",
    "group",
    "heading",
    "img",
    "insertion",
    "link",
    "list",
    "listbox",
    "listitem",
    "log",
    "main",
    "marquee",
    "math",
    "menu",
    "menubar",
    "menuitem",
    "menuitemcheckbox",
    "menuitemradio",
    "meter",
    "navigation",
    "note",
    "option",
    "paragraph",
    "progressbar",
    "radio",
    "radiogroup",
    "region",
    "row",
    "rowgroup",
    "rowheader",
    "scrollbar",
    "search",
    "searchbox",
    "separator",
    "slider",
    "spinbutton",
    "status",
    "strong",
    "subscript",
    "superscript",
    "switch",
    "tab",
    "table",
    "tablist",
    "tabpanel",
    "term",
    "textbox",
    "time",
    "timer",
    "toolbar",
    "tooltip",
    "tree",
    "treegrid",
    "treeitem",
];

/// What people call elements whose role has another name.
const MEANT: [(&str, &str); 20] = [
    ("input", "textbox"),
    ("text", "textbox"),
    ("textarea", "textbox"),
    ("textfield", "textbox"),
    ("field", "textbox"),
    ("email", "textbox"),
    ("number", "spinbutton"),
    ("select", "combobox"),
    ("dropdown", "combobox"),
    ("a", "link"),
    ("anchor", "link"),
    ("image", "img"),
    ("h1", "heading"),
    ("h2", "heading"),
    ("title", "heading"),
    ("nav", "navigation"),
    ("modal", "dialog"),
    ("toggle", "switch"),
    ("li", "listitem"),
    ("submit", "button"),
];

pub(super) fn lower(entry: &Entry<'_>) -> Option<String> {
    let role = entry.text()?.value;
    if ROLES.contains(&role.as_str()) {
        return Some(role);
    }
    let lower = role.to_lowercase();
    let meant = MEANT.iter().find(|(word, _)| *word == lower).map(|(_, role)| *role);
    let help = match (meant, hint::nearest(&role, ROLES)) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) if lower == "password" => {
            "a password field has no role: find it by its `label`".to_owned()
        }
        (None, None) => {
            "roles are those of WAI-ARIA: button, link, textbox, checkbox, heading, …".to_owned()
        }
    };
    let note = entry.fault(format!("there is no role `{}`", role.escape_debug()));
    entry.refuse(note.label("not a role").help(help))
}
