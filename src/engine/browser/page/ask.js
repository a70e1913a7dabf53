  // ---- Queries ----

  /// What people read of an element: its text, or what stands in a field.
  function shownText(element) {
    if (element.localName === "select") return [...element.selectedOptions].map(option => option.label).join(", ");
    if (["input", "textarea"].includes(element.localName)) return element.type === "password" ? "" : element.value;
    return collapse(element.innerText ?? element.textContent);
  }

  /// States as they are now; other attributes as they are written.
  function attribute(element, name) {
    switch (name) {
      case "value": return "value" in element ? element.value : element.getAttribute("value");
      case "checked": return isChecked(element);
      case "selected": return element.selected === true || element.getAttribute("aria-selected") === "true";
      case "disabled": return isDisabled(element);
      case "visible": return isShown(element);
      case "text": return shownText(element);
      default: return element.getAttribute(name);
    }
  }

  function answer(query) {
    switch (query.what) {
      case "element": {
        const read = query.attribute ? element => attribute(element, query.attribute) : shownText;
        return matches(query.locator).map(read).filter(value => value !== null && value !== undefined);
      }
      case "title": return [document.title];
      case "storage": {
        const value = window[query.area].getItem(query.key);
        return value === null ? [] : [value];
      }
      default: throw new Error(`nothing is known of ${query.what}`);
    }
  }

  function safely(query) {
    try {
      return { found: answer(query) };
    } catch (error) {
      return { fault: String(error.message || error) };
    }
  }

  /// The document as text: HTML as it stands now; what is no page (JSON, plain text) as it was sent.
  function source() {
    const plain = /^(application\/json|text\/plain|[^;]*\+json)/.test(document.contentType);
    if (plain && document.body) return document.body.innerText;
    const kind = document.doctype ? `<!DOCTYPE ${document.doctype.name}>` : "";
    return kind + (document.documentElement?.outerHTML || "");
  }
