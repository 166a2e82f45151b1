/**
 * Modal dialogs, outside of meetings only. The browser's own dialog keeps the focus inside and closes on Esc.
 */

import { button, el, iconButton, newId } from './dom.js';

/**
 * @param {{title: string, body: HTMLElement[], submit: string, danger?: boolean, testid: string,
 *   onSubmit: (close: () => void, pressed: HTMLButtonElement) => void}} spec  title and submit are keys
 */
export function openDialog({ title, body, submit, danger = false, testid, onSubmit }) {
  const back = /** @type {HTMLElement | null} */ (document.activeElement);
  const id = newId();
  const pressed = button(submit, {
    class: danger ? 'btn danger' : 'btn primary',
    type: 'submit',
    'data-testid': `${testid}-submit`,
  });
  const form = el(
    'form',
    {
      class: 'dlg',
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          onSubmit(close, pressed);
        },
      },
    },
    el('div', { class: 'hd' }, el('h2', { id, t: title }), iconButton('close', 'close', { on: { click: close } })),
    ...body,
    el('div', { class: 'ft' }, button('cancel', { class: 'btn ghost', on: { click: close } }), pressed),
  );
  const dialog = el('dialog', { class: 'modal', 'aria-labelledby': id, 'data-testid': testid }, form);

  function close() {
    dialog.close();
  }
  dialog.addEventListener('close', () => {
    dialog.remove();
    back?.focus();
  });
  dialog.addEventListener('pointerdown', (event) => {
    if (event.target === dialog) close();
  });
  document.body.append(dialog);
  dialog.showModal();
  /** @type {HTMLElement | null} */ (form.querySelector('input, textarea, select'))?.focus();
  return { close };
}
