// The document as HTML, without what is typed into fields for secrets. The copy is of a document that runs and loads nothing.
const copy = document.implementation.createHTMLDocument('').importNode(document.documentElement, true);
for (const field of copy.querySelectorAll('input[type=password], input[autocomplete*=password], input[autocomplete=one-time-code], input[autocomplete^=cc-]')) {
  if (field.hasAttribute('value')) field.setAttribute('value', '***');
}
const html = (document.doctype ? '<!doctype html>\n' : '') + copy.outerHTML;
return { html: html.slice(0, most), cut: html.length > most };
