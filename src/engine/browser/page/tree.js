  // ---- The tree as it is shown: shadow trees in the place of their hosts' children, slotted nodes in their slots ----

  /// The document (or another root) and every open shadow tree below it, in the order of the page.
  function roots(root) {
    const found = [root];
    const walker = (root.ownerDocument || root).createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
    for (let node = walker.currentNode; node; node = walker.nextNode()) {
      if (node.shadowRoot) found.push(...roots(node.shadowRoot));
    }
    return found;
  }

  /// Every element below a root, those of shadow trees right after their hosts.
  function elements(root) {
    const found = root.shadowRoot ? elements(root.shadowRoot) : [];
    const walker = (root.ownerDocument || root).createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      found.push(node);
      if (node.shadowRoot) found.push(...elements(node.shadowRoot));
    }
    return found;
  }

  function parent(element) {
    if (element.assignedSlot) return element.assignedSlot;
    const above = element.parentNode;
    if (above instanceof ShadowRoot) return above.host;
    // Elements of frames are of other realms: no `instanceof Element` here.
    return above && above.nodeType === Node.ELEMENT_NODE ? above : above?.host || null;
  }

  function children(element) {
    if (element.shadowRoot) return [...element.shadowRoot.childNodes];
    if (element.localName === "slot") {
      const assigned = element.assignedNodes();
      if (assigned.length > 0) return assigned;
    }
    return [...element.childNodes];
  }

  function* upwards(element) {
    for (let each = element; each; each = parent(each)) yield each;
  }

  const contains = (outer, inner) => [...upwards(inner)].includes(outer);

  const styleOf = (element, pseudo) =>
    element.ownerDocument.defaultView.getComputedStyle(element, pseudo);

  /// White space as a page shows it.
  const collapse = text => text.replace(/[\s\u00a0\u200b]+/g, " ").trim();

  const NOT_TEXT = new Set(["script", "style", "noscript", "template", "head", "title", "meta", "link"]);
  const INLINE = new Set(
    ("a abbr b bdi bdo cite code data del dfn em font i ins kbd label mark q s samp small span strong " +
      "sub sup time u var wbr slot").split(" "),
  );

  const isInline = element => INLINE.has(element.localName) || element.localName.includes("-");
