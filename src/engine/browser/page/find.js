  // ---- Locators ----

  /// How a text fits what was asked for: 2 where it is equal, 1 where it holds it, 0 where not.
  function fits(text, wanted, exact) {
    const found = collapse(text);
    const asked = collapse(wanted);
    if (exact) return found === asked ? 2 : 0;
    const [has, wants] = [found.toLowerCase(), asked.toLowerCase()];
    if (has === wants) return 2;
    return wants !== "" && has.includes(wants) ? 1 : 0;
  }

  /// Those that fit best: names that are equal win over names that are longer.
  function best(elements, score) {
    const scored = elements.map(element => [element, score(element)]);
    const most = Math.max(0, ...scored.map(([, points]) => points));
    return most === 0 ? [] : scored.filter(([, points]) => points === most).map(([element]) => element);
  }

  const anyFit = (texts, locator) => Math.max(0, ...texts.map(text => fits(text, locator.value, locator.exact)));

  /// The texts by which a field is called.
  function callings(element) {
    const by = referred(element, "aria-labelledby");
    const texts = by.map(each => textAlternative(each, { seen: new Set([element]), hidden: true }));
    const said = element.getAttribute("aria-label");
    return [...labelsOf(element), texts.join(" "), said || ""].filter(Boolean);
  }

  const FIELD_ROLES = new Set(
    "checkbox combobox grid listbox radio radiogroup searchbox slider spinbutton switch textbox tree".split(" "),
  );
  const NO_FIELDS = ["button", "hidden", "image", "reset", "submit"];
  const isField = element =>
    (FIELDS.has(element.localName) && !NO_FIELDS.includes(element.type)) || FIELD_ROLES.has(roleOf(element));

  /// The text that an element shows, whatever is hidden left out; each is worked out once a look.
  function textsOf() {
    const known = new Map();
    const within = element => {
      if (!known.has(element)) known.set(element, work(element));
      return known.get(element);
    };
    const work = element => {
      const visible = styleOf(element).visibility === "visible";
      const parts = children(element).map(node => {
        if (node.nodeType === Node.TEXT_NODE) return visible ? node.data : "";
        if (node.nodeType !== Node.ELEMENT_NODE || NOT_TEXT.has(node.localName)) return "";
        if (node.localName === "br") return " ";
        if (styleOf(node).display === "none") return "";
        return isInline(node) ? within(node) : ` ${within(node)} `;
      });
      return parts.join("");
    };
    return element => collapse(within(element) || shownValue(element));
  }

  /// What a button made of an `<input>` reads.
  const shownValue = element =>
    element.localName === "input" && ["button", "submit", "reset"].includes(element.type) ? inputName(element) : "";

  /// The innermost elements with a text.
  function byText(all, locator) {
    const text = textsOf();
    const found = best(
      all.filter(element => !NOT_TEXT.has(element.localName)),
      element => fits(text(element), locator.value, locator.exact),
    );
    const inner = new Set(found);
    for (const element of found) {
      for (const above of upwards(parent(element))) inner.delete(above);
    }
    return found.filter(element => inner.has(element) && isShown(element));
  }

  /// Roles that have no name by the rules, and that people still call by what stands in them.
  const BY_TEXT = new Set("alert article blockquote caption definition listitem log note paragraph status term".split(" "));

  const calledBy = element =>
    nameOf(element) || (BY_TEXT.has(roleOf(element)) ? collapse(contentText(element, { seen: new Set() })) : "");

  function byRole(all, locator) {
    const role = SAME_ROLE[locator.role.toLowerCase()] || locator.role.toLowerCase();
    const found = all.filter(element => roleOf(element) === role && !isLeftOut(element));
    if (locator.value === null || locator.value === undefined) return found;
    return best(found, element => fits(calledBy(element), locator.value, locator.exact));
  }

  function byLink(all, locator) {
    const text = textsOf();
    const found = all.filter(element => roleOf(element) === "link");
    return best(found, element =>
      Math.max(...[text(element), nameOf(element)].map(each => fits(each, locator.value, locator.exact))));
  }

  const byXPath = (roots, locator) =>
    roots.flatMap(root => {
      const tree = root.ownerDocument || root;
      const found = tree.evaluate(locator.value, root, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
      return Array.from({ length: found.snapshotLength }, (_, nth) => found.snapshotItem(nth));
    });

  /// All elements below some roots that a locator means, without its `nth`.
  function search(tops, locator) {
    const all = () => tops.flatMap(elements);
    switch (locator.by) {
      case "role": return byRole(all(), locator);
      case "label": return best(all().filter(isField), element => anyFit(callings(element), locator));
      case "placeholder":
        return best(all(), element => anyFit([element.getAttribute("placeholder") || ""], locator));
      case "test_id": return all().filter(element => element.getAttribute("data-testid") === locator.value);
      case "text": return byText(all(), locator);
      case "link": return byLink(all(), locator);
      case "css": return tops.flatMap(roots).flatMap(root => [...root.querySelectorAll(locator.value)]);
      default: return byXPath(tops, locator);
    }
  }

  /// All elements that a locator means: one where it says which.
  function matches(locator, top = document) {
    const tops = locator.within ? matches(locator.within, top) : [top];
    const found = [...new Set(search(tops, locator))];
    if (locator.nth === null || locator.nth === undefined) return found;
    const one = found.at(locator.nth);
    return one ? [one] : [];
  }
