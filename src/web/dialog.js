/** Dialogs: the browser's own, which keep the focus inside and close on Escape. */
import { button, h, iconButton } from "./dom.js";

let count = 0;

/** Opens a dialog and gives it with the function that closes it. The focus goes back to where it was. */
export function openDialog({ title, body, footer, wide = false }) {
  const before = document.activeElement;
  const id = `dialog-${++count}`;
  const close = () => dialog.close();
  const dialog = h(
    "dialog",
    { "class": wide ? "dialog wide" : "dialog", "aria-labelledby": id },
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id, text: title }),
      iconButton("close", "Close", close),
    ),
    body,
    footer && h("div", { class: "dialog-foot" }, footer(close)),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close };
}

/** Asks before something is done. Resolves with whether the box was ticked, or undefined when it was not confirmed. */
export function ask({ title, text, confirm, box }) {
  return new Promise((resolve) => {
    let answer;
    const tick = box && h("input", { type: "checkbox", id: "ask-box", checked: true });
    const body = h(
      "div",
      { class: "dialog-body" },
      h("p", { text }),
      box &&
        h(
          "label",
          { class: "check", for: "ask-box" },
          tick,
          h("span", {}, box.label, h("small", { text: box.hint })),
        ),
    );
    const { dialog } = openDialog({
      title,
      body,
      footer: (close) => [
        button(confirm, {
          kind: "danger",
          onClick: () => {
            answer = tick?.checked ?? true;
            close();
          },
        }),
        button("Back", { kind: "link", onClick: close, autofocus: true }),
      ],
    });
    dialog.addEventListener("close", () => resolve(answer));
  });
}
