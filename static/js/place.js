/**
 * Where on its host this server lives: at the root, or below a path such as `/meet/`. The page's own modules lie there,
 * so their address tells it.
 */

const root = new URL('../', import.meta.url);

/** The path of the start page; it begins and ends with a slash. Outside of a browser, modules are files. */
export const base = root.protocol.startsWith('http') ? root.pathname : '/';

/** A path of this server. @param {string} path without a slash in front */
export const at = (path) => `${base}${path}`;

/** A room's page. @param {string} identity or number */
export const roomPath = (identity) => at(`r/${identity}`);

/** A path of this server as a link that can be passed on. @param {string} path without a slash in front */
export const linkAt = (path) => `${location.origin}${at(path)}`;

/** What of an address's path lies below the start page; all of it when it lies elsewhere. @param {string} pathname */
export const inside = (pathname) => (pathname.startsWith(base) ? pathname.slice(base.length) : pathname);

/**
 * A file of the page by the address under which it never changes, so that a browser need not ask again (the import map
 * in the page's head tells it; without one it is the file's own address). @param {string} path without a slash in front
 */
export const asset = (path) => import.meta.resolve(`../${path}`);
