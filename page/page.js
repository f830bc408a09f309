// What the page does in the browser, without asking the server. Loaded once; page.py calls these functions by name.

// A click on a button of a memory's card becomes an event of the list of cards, with the memory's id.
function reportCardClicks(list, trigger) {
  list.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-act]');
    if (button) trigger(button.dataset.act, {id: button.dataset.id});
  });
}

// The name stands in the page's address, so that a reload comes back under it.
function rememberName(name) {
  const url = new URL(location);
  if (name) url.searchParams.set('name', name); else url.searchParams.delete('name');
  history.replaceState(null, '', url);
}

// The focus goes to the first of these text boxes and buttons that is on the page, as soon as one is (2 seconds at most).
function focusFirst(...ids) {
  let rounds = 0;
  const look = setInterval(() => {
    const found = ids.flatMap((id) => [...document.querySelectorAll(`#${id} textarea, #${id} input, button#${id}`)]);
    if (found.length || ++rounds > 40) clearInterval(look);
    found[0]?.focus();
  }, 50);
}

function downloadMemories(json) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([json], {type: 'application/json'}));
  link.download = 'memories.json';
  link.click();
  URL.revokeObjectURL(link.href);
}
