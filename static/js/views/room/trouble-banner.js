/**
 * The line about what lasts: nobody hears or sees one, or one does not hear or see the others. It says why, and tries again.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { list, t } from '../../i18n/index.js';
import { sendsNothing } from '../../state/own-media.js';
import { troubleOf } from '../../state/trouble.js';
import { button, el, show, text } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { retryIn } from './loss-banner.js';

const COUNT_MS = 250;

/** @param {import('../../flow/actions.js').Actions} actions */
export function troubleBanner(actions) {
  const what = el('b');
  const why = el('span');
  const count = el('span', { class: 'num count', 'aria-hidden': 'true' });
  const node = el(
    'div',
    { class: 'banner trouble', hidden: true, 'data-testid': 'trouble' },
    icon('warning', 's'),
    el('span', { class: 'txt', role: 'status' }, what, ' ', why, ' ', count),
    button('tryAgain', { 'data-testid': 'retry-media', on: { click: () => actions.retryMedia() } }),
  );
  /** @type {number | null} */
  let retryAt = null;
  let timer = 0;

  return {
    node,
    /** @param {AppState} state @returns {boolean} whether nothing is sent */
    update({ meeting }) {
      const trouble = meeting && troubleOf(meeting);
      show(node, Boolean(trouble));
      clearInterval(timer);
      if (!trouble) return false;
      retryAt = trouble.retryAt;
      const sources = (trouble.sources ?? []).map((source) => t(`source.${source}`));
      text(what, t(trouble.key, { name: list(trouble.names ?? []), sources: list(sources) }));
      const tried = trouble.tried === undefined ? '' : ` ${t('trouble.tried', { ways: trouble.tried })}`;
      const report = trouble.report === undefined ? '' : ` ${t('trouble.report', { code: trouble.report })}`;
      text(why, t(trouble.why) + tried + report);
      const draw = () => text(count, retryAt === null ? '' : retryIn(retryAt));
      draw();
      if (retryAt !== null) timer = window.setInterval(draw, COUNT_MS);
      return sendsNothing(meeting);
    },
    stop: () => clearInterval(timer),
  };
}
