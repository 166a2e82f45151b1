/**
 * Modal dialogs, outside of meetings only. The browser's own dialog keeps the focus inside and closes on Esc.
 */

import { button, el, iconButton, newId } from './dom.js';

/**
 * @param {{title: string, body: Array<HTMLElement | null>, submit?: string, danger?: boolean, wide?: boolean, testid: string,
 *   onSubmit?: (close: () => void, pressed: HTMLButtonElement) => void, onClose?: () => void}} spec  title and submit are
 *   keys; without submit there is only a way out
 */
export function openDialog({
  title,
  body,
  submit = 'done',
  danger = false,
  wide = false,
  testid,
  onSubmit,
  onClose = () => {},
}) {
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
      class: wide ? 'dlg wide' : 'dlg',
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          if (onSubmit) onSubmit(close, pressed);
          else close();
        },
      },
    },
    el('div', { class: 'hd' }, el('h2', { id, t: title }), iconButton('close', 'close', { on: { click: close } })),
    ...body.filter((part) => part !== null),
    el(
      'div',
      { class: 'ft' },
      onSubmit ? button('cancel', { class: 'btn ghost', on: { click: close } }) : null,
      pressed,
    ),
  );
  const dialog = el('dialog', { class: 'modal', 'aria-labelledby': id, 'data-testid': testid }, form);

  function close() {
    dialog.close();
  }
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClose();
    back?.focus();
  });
  dialog.addEventListener('pointerdown', (event) => {
    if (event.target === dialog) close();
  });
  document.body.append(dialog);
  dialog.showModal();
  if (onSubmit) /** @type {HTMLElement | null} */ (form.querySelector('input, textarea, select'))?.focus();
  return { close };
}
