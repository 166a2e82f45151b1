/** What can be read off the page's files without a browser: words, safety, weight. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errorText, list, longDay, pickLanguage, setLanguage, t } from '../../static/js/i18n/index.js';
import { NOTICE_BY_DENIAL, NOTICE_BY_END } from '../../static/js/flow/notices.js';
import { en, fetchFiles, has } from './words.mjs';

fetchFiles();

const root = fileURLToPath(new URL('../../static/', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');
const files = readdirSync(root, { recursive: true }).map(String);
const scripts = files.filter((path) => path.endsWith('.js'));

const definitions = JSON.parse(read('protocol/meeting.v1.schema.json')).$defs;
/** What one of the wire's types may be. @param {string} name */
const valuesOf = (name) => definitions[name].oneOf.map((one) => one.const);
/** Every error code of the wire protocol, and the client's own. */
const CODES = [...valuesOf('ErrorCode'), 'client.closed', 'client.timeout', 'client.unsupported'];
/** Where each reason of the wire is said in words. */
const REASONS = {
  EndReason: (reason) => `notice.${NOTICE_BY_END[reason]}`,
  LobbyDenial: (reason) =>
    ({ password: 'error.lobby.password', accounts_only: 'error.room.accounts_only' })[reason] ?? `notice.${NOTICE_BY_DENIAL[reason]}`,
  LeaveReason: (reason) => `left.${reason}`,
  BanLength: (length) => `bans.until.${length}`,
  Role: (role) => `role.${role}`,
  HistoryAccess: (access) => `room.history.${access}`,
  WhoWaits: (level) => `host.waiting.${level}`,
  Topology: (topology) => `topology.${topology}`,
};

test('every error code is said in words, in both languages', async () => {
  for (const language of /** @type {const} */ (['en', 'zh'])) {
    await setLanguage(language);
    for (const code of CODES) assert.notEqual(errorText(code), errorText('unknown'), `${code} in ${language}`);
  }
});

test('every reason of the wire is said in words', () => {
  for (const [type, keyOf] of Object.entries(REASONS)) {
    for (const value of valuesOf(type)) assert.ok(has(en, keyOf(value)), `${type}: ${value}`);
  }
  for (const permission of Object.keys(definitions.Permissions.properties)) {
    assert.ok(has(en, `permission.${permission}`), permission);
  }
});

test('every key the page asks for exists', () => {
  const own = scripts.filter((path) => !path.startsWith('js/client') && !path.startsWith('js/i18n'));
  for (const path of own) {
    const source = read(path);
    for (const [, key] of source.matchAll(
      /\b(?:t|text|tLabel|tTitle|tPlaceholder|label|title|hint|submit): '([a-z][\w.]*)'/gi,
    )) {
      assert.ok(has(en, key), `${path}: ${key}`);
    }
    for (const [, key] of source.matchAll(/\b(?:t|button|toast|say)\(\s*(?:[\w.]+, )?'([a-z][\w.]*)'/gi)) {
      assert.ok(has(en, key), `${path}: ${key}`);
    }
  }
});

test('the words follow the language', async () => {
  await setLanguage('en');
  assert.equal(t('people.count', { n: 1 }), '1 person');
  assert.equal(t('people.count', { n: 3 }), '3 people');
  assert.equal(t('chat.joined', { name: '{text} $& <b>' }), '{text} $& <b> joined');
  assert.equal(list(['Ada', 'Bo', 'Cy']), 'Ada, Bo and Cy');
  await setLanguage('zh');
  assert.equal(t('people.count', { n: 3 }), '3 人');
  assert.equal(list(['Ada', 'Bo']), 'Ada、Bo');
  assert.match(longDay('2026-11-22T12:00:00Z'), /^11 月 22 日 星期日$/);
  assert.equal(pickLanguage(['fr-FR', 'zh-TW', 'en']), 'zh');
  assert.equal(pickLanguage(['fr']), 'en');
});

test('the page parses no markup, runs no text and keeps files readable', () => {
  for (const path of scripts) {
    const source = read(path);
    assert.doesNotMatch(
      source,
      /\.(innerHTML|outerHTML)\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc/,
      path,
    );
    assert.doesNotMatch(source, /setAttribute\('style'|style: '(?!unit')/, path);
    if (!path.includes('i18n') && !path.startsWith('js/client'))
      assert.ok(source.split('\n').length <= 350, `${path} is too long`);
  }
  const html = read('index.html');
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=/);
  for (const [, address] of html.matchAll(/(?:src|href)="([^"]+)"/g)) assert.ok(address.startsWith('/'), address);
});
