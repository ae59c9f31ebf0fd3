/** Asks for the server's token. */

const find = (id) => document.getElementById(id);

/** Promise a token, or null where the user gives none. */
export function askToken(wasRefused) {
  const [dialog, field] = [find("token"), find("token-value")];
  find("token-note").textContent = wasRefused
    ? "The server refused this token. Another one is kept until this tab is closed."
    : "It is kept until this tab is closed.";
  field.value = "";
  dialog.returnValue = "cancel";
  find("token-cancel").onclick = () => dialog.close("cancel");
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "ok" && field.value.trim() ? field.value.trim() : null);
      field.value = "";
    }, { once: true });
  });
}
