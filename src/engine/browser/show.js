// Undoes all of it.
const blank = window.__wayfarer_blank;
if (blank) {
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter(sheet => sheet !== blank.sheet);
  for (const [field, style] of blank.shown) {
    if (style === null) field.removeAttribute('style'); else field.setAttribute('style', style);
  }
  delete window.__wayfarer_blank;
}
