  // ---- What there is instead: for the message of an action that found nothing ----

  const MOST_NEAR = 3;

  /// How alike two texts are, from 0 to 1: how much of one the other holds, or their pairs of letters (Dice's coefficient).
  function likeness(text, wanted) {
    const [a, b] = [collapse(text).toLowerCase(), collapse(wanted).toLowerCase()];
    if (!a || !b) return 0;
    const [short, long] = a.length < b.length ? [a, b] : [b, a];
    if (long.includes(short)) return 0.3 + (0.7 * short.length) / long.length;
    const pairs = each => new Set(Array.from({ length: each.length - 1 }, (_, at) => each.slice(at, at + 2)));
    const [left, right] = [pairs(a), pairs(b)];
    const shared = [...left].filter(pair => right.has(pair)).length;
    return (2 * shared) / Math.max(1, left.size + right.size);
  }

  /// An element in short, as a style sheet would call it: `div#banner`, `button.buy`.
  function describe(element) {
    const id = element.id ? `#${element.id}` : "";
    const kind = !id && element.classList.length > 0 ? `.${element.classList[0]}` : "";
    return `${element.localName}${id}${kind}`;
  }

  /// Why an element of the right kind cannot be meant.
  function hindrance(element) {
    if (!isShown(element)) return { why: "hidden" };
    if (isDisabled(element)) return { why: "disabled" };
    const over = cover(element);
    return over ? { why: "covered", by: describe(over) } : {};
  }

  /// The elements of the kind that a locator asks for, and how they are called.
  function kin(locator, all) {
    const said = name => element => element.getAttribute(name) || "";
    switch (locator.by) {
      case "role": return [all.filter(element => roleOf(element) === locator.role.toLowerCase()), calledBy];
      case "label": return [all.filter(isField), element => callings(element)[0] || nameOf(element)];
      case "placeholder": return [all.filter(each => each.hasAttribute("placeholder")), said("placeholder")];
      case "test_id": return [all.filter(each => each.hasAttribute("data-testid")), said("data-testid")];
      case "link": return [all.filter(element => roleOf(element) === "link"), nameOf];
      case "text": return [textLeaves(all), element => collapse(element.textContent)];
      default: return [[], describe];
    }
  }

  /// Elements that hold text themselves.
  function textLeaves(all) {
    const holdsText = element =>
      [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "");
    return all.filter(element => !NOT_TEXT.has(element.localName) && holdsText(element));
  }

  /// The elements that come closest to what was looked for.
  function near(locator, top) {
    const [pool, called] = kin(locator, elements(top));
    const wanted = locator.value || "";
    // What is hidden has no name by the rules; it is called as if it were to be seen.
    const unseen = element => (isShown(element) ? "" : textAlternative(element, { seen: new Set(), hidden: true }));
    const scored = pool.map(element => ({ element, name: called(element) || unseen(element) }));
    for (const each of scored) each.likeness = wanted ? likeness(each.name, wanted) : 0;
    const seen = scored.filter(({ element }) => isShown(element));
    const close = locator.by === "text" ? scored.filter(each => each.likeness > 0.4) : scored;
    close.sort((a, b) => b.likeness - a.likeness);
    const named = close.filter(({ name }) => name).slice(0, MOST_NEAR);
    return {
      total: seen.length,
      near: named.map(({ element, name }) => ({ name: name.slice(0, 2000), ...hindrance(element) })),
    };
  }

  /// What is called so and is of another kind: a link where a button was looked for.
  function namesakes(locator, top) {
    if (!locator.value || !["role", "label", "link"].includes(locator.by)) return [];
    const same = elements(top).filter(element => {
      const role = roleOf(element);
      const other = locator.by === "role" ? role !== locator.role : !isField(element) && role !== "link";
      const kind = FROM_CONTENT.has(role) || FIELD_ROLES.has(role);
      return other && kind && isShown(element) && fits(nameOf(element), locator.value, false) === 2;
    });
    return same.slice(0, MOST_NEAR).map(element => ({ role: roleOf(element), name: nameOf(element) }));
  }

  /// How much of a selector is there: `#shop` of `#shop .total`.
  function reach(locator) {
    if (locator.by !== "css") return null;
    const parts = locator.value.split(/\s*[>+~]\s*|\s+/).filter(Boolean);
    for (let length = parts.length - 1; length > 0; length -= 1) {
      const shorter = parts.slice(0, length).join(" ");
      try {
        if (document.querySelector(shorter)) return shorter;
      } catch {
        // A part of a selector need not be one.
      }
    }
    return null;
  }

  /// The frames of this one that can be looked into and have what was looked for, and how many cannot.
  function inFrames(locator) {
    const frames = elements(document).filter(element => ["iframe", "frame"].includes(element.localName));
    let closed = 0;
    const having = frames.filter(frame => {
      try {
        return matches(locator, frame.contentDocument).length > 0;
      } catch {
        closed += 1;
        return false;
      }
    });
    return { frames: frames.length, closed, having: having.map(describe) };
  }

  /// Everything that helps whoever reads that nothing was found.
  function misses(locator) {
    const tops = locator.within ? matches(locator.within) : [document];
    const outer = locator.within && tops.length === 0 ? "none" : null;
    const top = tops[0] || document;
    const all = locator.nth === null || locator.nth === undefined ? 0 : matches({ ...locator, nth: null }).length;
    return {
      outer,
      others: all,
      ...near(locator, top),
      namesakes: namesakes(locator, top),
      reach: reach(locator),
      ...inFrames(locator),
    };
  }

  /// What was seen last, as plain values.
  function account(seen, locator) {
    const { state, element } = seen;
    const told = { state };
    if (element) told.element = describe(element);
    if (seen.over) told.over = describe(seen.over);
    if (seen.note) told.note = seen.note;
    if (seen.elements) {
      told.total = seen.elements.length;
      told.near = seen.elements.slice(0, MOST_NEAR).map(each => ({
        name: `${describe(each)} ${JSON.stringify(nameOf(each) || collapse(each.textContent).slice(0, 2000))}`,
        ...hindrance(each),
      }));
    }
    return state === "none" ? { ...told, ...misses(locator) } : told;
  }
