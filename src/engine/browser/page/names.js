  // ---- Roles (WAI-ARIA 1.2, HTML-AAM 1.0) ----

  const INPUT_ROLES = {
    button: "button", image: "button", reset: "button", submit: "button", checkbox: "checkbox", radio: "radio",
    number: "spinbutton", range: "slider", search: "searchbox", email: "textbox", tel: "textbox", text: "textbox",
    url: "textbox",
  };
  const TAG_ROLES = {
    article: "article", aside: "complementary", address: "group", blockquote: "blockquote", button: "button",
    caption: "caption", code: "code", datalist: "listbox", dd: "definition", del: "deletion", details: "group",
    dfn: "term", dialog: "dialog", dt: "term", em: "emphasis", fieldset: "group", figure: "figure", form: "form",
    h1: "heading", h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading", hgroup: "group",
    hr: "separator", html: "document", ins: "insertion", li: "listitem", main: "main", mark: "mark", math: "math",
    menu: "list", meter: "meter", nav: "navigation", ol: "list", optgroup: "group", option: "option",
    output: "status", p: "paragraph", progress: "progressbar", search: "search", strong: "strong",
    sub: "subscript", summary: "button", sup: "superscript", svg: "img", table: "table", tbody: "rowgroup",
    textarea: "textbox", tfoot: "rowgroup", thead: "rowgroup", time: "time", tr: "row", ul: "list",
  };
  const SECTIONS = ["article", "aside", "main", "nav", "section"];
  const SAME_ROLE = { image: "img", none: "presentation", directory: "list" };

  const within = (element, names) => {
    for (const each of upwards(parent(element))) if (names.includes(each.localName)) return each;
    return null;
  };

  function inputRole(input) {
    const type = input.type;
    const text = ["email", "search", "tel", "text", "url"].includes(type);
    if (text && input.hasAttribute("list")) return "combobox";
    return INPUT_ROLES[type] || null;
  }

  function headerCellRole(cell) {
    if (cell.scope === "row" || cell.scope === "rowgroup") return "rowheader";
    if (cell.scope) return "columnheader";
    const row = cell.parentElement;
    const alone = row && [...row.children].every(each => each.localName === "th");
    return alone || within(cell, ["thead"]) ? "columnheader" : "rowheader";
  }

  /// The role that an element has by what it is.
  function impliedRole(element) {
    switch (element.localName) {
      case "a": case "area": return element.hasAttribute("href") ? "link" : null;
      case "footer": return within(element, SECTIONS) ? null : "contentinfo";
      case "header": return within(element, SECTIONS) ? null : "banner";
      case "img": return element.getAttribute("alt") === "" ? "presentation" : "img";
      case "input": return inputRole(element);
      case "section": return attributeName(element) ? "region" : null;
      case "select": return element.multiple || element.size > 1 ? "listbox" : "combobox";
      case "td": {
        const table = within(element, ["table"]);
        return ["grid", "treegrid"].includes(table?.getAttribute("role")) ? "gridcell" : "cell";
      }
      case "th": return headerCellRole(element);
      default: return TAG_ROLES[element.localName] || (isEditingHost(element) ? "textbox" : null);
    }
  }

  const isEditingHost = element =>
    element.hasAttribute("contenteditable") && element.getAttribute("contenteditable") !== "false";

  function roleOf(element) {
    const said = (element.getAttribute("role") || "").trim().toLowerCase().split(/\s+/)[0];
    const role = said || impliedRole(element);
    return SAME_ROLE[role] || role;
  }

  // ---- Accessible names (accname 1.2, for what pages commonly hold) ----

  const FROM_CONTENT = new Set(
    ("button cell checkbox columnheader gridcell heading link menuitem menuitemcheckbox menuitemradio option " +
      "radio row rowheader switch tab tooltip treeitem").split(" "),
  );
  const FIELDS = new Set(["input", "select", "textarea", "button", "meter", "output", "progress"]);

  /// Whether the accessibility tree leaves an element out.
  function isLeftOut(element) {
    for (const each of upwards(element)) {
      if (each.getAttribute("aria-hidden") === "true") return true;
    }
    const style = styleOf(element);
    if (style.visibility !== "visible") return true;
    return style.display !== "contents" && !isRendered(element);
  }

  const isRendered = element =>
    element.checkVisibility ? element.checkVisibility() : element.getClientRects().length > 0;

  const referred = (element, attribute) => {
    const ids = (element.getAttribute(attribute) || "").trim().split(/\s+/).filter(Boolean);
    const root = element.getRootNode();
    return ids.map(id => root.getElementById?.(id)).filter(Boolean);
  };

  /// A name that attributes give, by reference or as it is.
  function attributeName(element) {
    const by = referred(element, "aria-labelledby");
    const name = by.map(each => textAlternative(each, { seen: new Set([element]), hidden: true })).join(" ");
    return collapse(name) || collapse(element.getAttribute("aria-label") || "");
  }

  /// The accessible name of an element.
  function nameOf(element) {
    return collapse(attributeName(element) || ownName(element) || contentName(element) || hintName(element));
  }

  /// A name that HTML gives its elements.
  function ownName(element) {
    switch (element.localName) {
      case "input": return inputName(element);
      case "select": case "textarea": case "button": case "meter": case "output": case "progress":
        return labelsOf(element).join(" ");
      case "img": case "area": return element.getAttribute("alt") || "";
      case "svg": return childText(element, "title");
      case "fieldset": return childText(element, "legend");
      case "figure": return childText(element, "figcaption");
      case "table": return childText(element, "caption");
      case "optgroup": return element.label;
      case "option": return element.label;
      default: return labelsOf(element).join(" ");
    }
  }

  function inputName(input) {
    const labels = labelsOf(input).join(" ");
    if (labels) return labels;
    const usual = { submit: "Submit", reset: "Reset" };
    if (input.type in usual) return input.hasAttribute("value") ? input.value : usual[input.type];
    if (input.type === "button") return input.value;
    return input.type === "image" ? input.alt || input.value || "Submit" : "";
  }

  function childText(element, name) {
    const child = [...element.children].find(each => each.localName === name);
    return child ? textAlternative(child, { seen: new Set([element]), hidden: true }) : "";
  }

  const contentName = element =>
    FROM_CONTENT.has(roleOf(element)) ? contentText(element, { seen: new Set() }) : "";

  const hintName = element =>
    element.getAttribute("title") || element.getAttribute("placeholder") || "";

  /// The texts of a field's `<label>`s, without the field itself.
  function labelsOf(element) {
    const labels = element.labels ? [...element.labels] : [];
    return labels.map(label => collapse(contentText(label, { seen: new Set([element]) })));
  }

  /// What an element adds to the name of another one.
  function textAlternative(element, walk) {
    if (walk.seen.has(element)) return "";
    if (!walk.hidden && isLeftOut(element)) return "";
    walk.seen.add(element);
    const value = embeddedValue(element);
    if (value !== null) return value;
    const label = collapse(element.getAttribute("aria-label") || "");
    return label || ownTextAlternative(element) || contentText(element, walk) || element.getAttribute("title") || "";
  }

  const ownTextAlternative = element =>
    ["img", "area", "svg"].includes(element.localName) ? ownName(element) : "";

  /// The value of a field within a label of another.
  function embeddedValue(element) {
    switch (roleOf(element)) {
      case "textbox": case "searchbox": return "value" in element ? element.value : element.textContent;
      case "combobox": case "listbox":
        if (element.selectedOptions) return [...element.selectedOptions].map(option => option.label).join(" ");
        return "value" in element ? element.value : null;
      case "slider": case "spinbutton":
        return element.getAttribute("aria-valuetext") || element.getAttribute("aria-valuenow") || element.value || "";
      default: return null;
    }
  }

  /// The text within an element, with what style sheets put before and after.
  function contentText(element, walk) {
    const inner = children(element).map(node => {
      if (node.nodeType === Node.TEXT_NODE) return node.data;
      if (node.nodeType !== Node.ELEMENT_NODE || NOT_TEXT.has(node.localName)) return "";
      if (node.localName === "br") return " ";
      const text = textAlternative(node, { ...walk, hidden: false });
      return isInline(node) && styleOf(node).display.startsWith("inline") ? text : ` ${text} `;
    });
    return pseudoText(element, "::before") + inner.join("") + pseudoText(element, "::after");
  }

  /// `content: "New" / "new item"` of a style sheet: the alternative, or else the text.
  function pseudoText(element, which) {
    const content = styleOf(element, which).content;
    if (!content || content === "none" || content === "normal") return "";
    const texts = content.split("/").at(-1).match(/"(?:[^"\\]|\\.)*"/g) || [];
    return texts.map(text => text.slice(1, -1).replace(/\\(.)/g, "$1")).join("");
  }
