  // ---- What is done to an element from here, because a driver cannot or does it worse ----

  function tell(element, ...types) {
    for (const type of types) element.dispatchEvent(new Event(type, { bubbles: true, composed: true }));
  }

  /// Sets a value behind the back of frameworks that watch the property, and tells them as a browser does.
  function setValue(element, value) {
    const prototype = Object.getPrototypeOf(element);
    Object.getOwnPropertyDescriptor(prototype, "value").set.call(element, value);
    tell(element, "input", "change");
  }

  const DEEDS = {
    /// Puts the focus there, and marks all that stands there, so that what is typed replaces it.
    mark(element) {
      element.focus({ preventScroll: true });
      if (element.isContentEditable) {
        const range = element.ownerDocument.createRange();
        range.selectNodeContents(element);
        const selection = element.ownerDocument.defaultView.getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
      } else {
        element.select?.();
      }
      return { empty: collapse(element.isContentEditable ? element.textContent : element.value) === "" };
    },

    /// Puts the focus behind what stands there.
    append(element) {
      element.focus({ preventScroll: true });
      const selection = element.ownerDocument.defaultView.getSelection();
      if (element.isContentEditable) {
        selection.selectAllChildren(element);
        selection.collapseToEnd();
      } else {
        try {
          element.setSelectionRange(element.value.length, element.value.length);
        } catch {
          // Numbers and mail addresses have no place within them that could be asked for; there the focus is at the end.
        }
      }
      return {};
    },

    /// Writes at the mark as if it were pasted: for long texts, and for letters that a driver cannot type.
    insert(element, { text }) {
      return element.ownerDocument.execCommand("insertText", false, text) ? {} : { state: "unfit value" };
    },

    /// For fields whose value is chosen: dates, colours, ranges.
    set(element, { text }) {
      element.focus({ preventScroll: true });
      setValue(element, text);
      const taken = element.type === "color" ? element.value === text.toLowerCase() : element.value !== "";
      if (text !== "" && !taken) return { state: "unfit value", note: element.type };
      if (element.type === "range" && Number(element.value) !== Number(text)) {
        return { state: "unfit value", note: `range from ${element.min || 0} to ${element.max || 100}` };
      }
      return {};
    },

    focus(element) {
      element.focus();
      return {};
    },

    scroll(element) {
      element.scrollIntoView({ behavior: "instant", block: "center", inline: "nearest" });
      return {};
    },

    /// Chooses an option of a `<select>`; other lists are opened and clicked on.
    choose(element, { label, value }) {
      if (element.localName !== "select") return { other: true };
      const options = [...element.options];
      const fitting = value !== null && value !== undefined
        ? options.filter(option => option.value === value)
        : best(options, option => fits(option.label, label, false));
      if (fitting.length === 0) return { state: "no option", again: false, options: options.map(each => each.label) };
      const option = fitting[0];
      if (option.disabled) return { state: "option disabled", note: option.label };
      element.focus({ preventScroll: true });
      if (element.multiple || !option.selected) {
        option.selected = true;
        tell(element, "input", "change");
      }
      return {};
    },

    /// Gives files to an input as if they were chosen.
    files(element, { files }) {
      if (files.length > 1 && !element.multiple) return { state: "one file" };
      const transfer = new DataTransfer();
      for (const { name, type, content } of files) {
        const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
      }
      element.files = transfer.files;
      tell(element, "input", "change");
      return {};
    },
  };

  /// What an action needs to know of its element.
  const facts = field => ({
    kind: field.isContentEditable ? "content" : field.localName,
    chosen: field.localName === "input" && CHOSEN.includes(field.type),
    checked: isChecked(field),
  });
