// Hides the fields at these places, too.
const blank = window.__wayfarer_blank;
for (const at of places) {
  const field = blank && blank.fields[at];
  if (!field) continue;
  blank.shown.push([field, field.getAttribute('style')]);
  field.style.setProperty('color', 'transparent', 'important');
  field.style.setProperty('-webkit-text-fill-color', 'transparent', 'important');
}
