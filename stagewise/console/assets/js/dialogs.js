// Dialogs: data-open="id" on a button opens one, data-close or a click beside it closes it. The browser keeps the focus.

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    document.getElementById(opener.dataset.open)?.showModal();
    return;
  }
  const dialog = event.target.closest("dialog[open]");
  if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) {
    dialog.close();
  }
});
