/**
 * @typedef {{type: string, [extra: string]: any}} EventInfo
 * @typedef {(data: any, info: EventInfo) => unknown} Handler
 */

/**
 * Events by name whose handlers cannot break each other: one that throws, or whose promise rejects, is reported
 * and the rest still run. One odd message must not stop a meeting for the person who received it.
 */
export class Emitter {
  /** @type {Map<string, Set<Handler>>} */
  #handlers = new Map();
  #report;

  /** @param {(error: unknown, type: string) => void} [report] told of every handler's failure */
  constructor(report = (error, type) => console.error(`A handler of "${type}" failed.`, error)) {
    this.#report = report;
  }

  /**
   * @param {string} type an event's name, or `*` for all of them
   * @param {Handler} handler called with the event's data and `{type, …}`
   * @returns {() => void} unsubscribes
   */
  on(type, handler) {
    let handlers = this.#handlers.get(type);
    if (!handlers) this.#handlers.set(type, (handlers = new Set()));
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  /**
   * @param {string} type
   * @param {any} data
   * @param {object} [extra] more for the handlers' second argument
   */
  emit(type, data, extra = {}) {
    const info = { ...extra, type };
    // Copies, because a handler may subscribe or unsubscribe while the event is on its way.
    const handlers = [...(this.#handlers.get(type) ?? []), ...(this.#handlers.get('*') ?? [])];
    for (const handler of handlers) {
      try {
        const outcome = handler(data, info);
        if (outcome instanceof Promise) outcome.catch((error) => this.#report(error, type));
      } catch (error) {
        this.#report(error, type);
      }
    }
  }
}
