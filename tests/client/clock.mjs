/** A clock that stands still until a test moves it: the client's `timers` option. */
export class Clock {
  #now = Date.parse('2030-01-01T00:00:00Z');
  #timers = new Map();
  #last = 0;
  #watchers = [];

  now = () => this.#now;

  setTimeout = (run, ms) => {
    const id = ++this.#last;
    this.#timers.set(id, { at: this.#now + ms, run });
    this.#watchers = this.#watchers.filter(({ ms: wanted, resolve }) => (wanted === ms ? resolve() : true));
    return id;
  };

  clearTimeout = (id) => {
    this.#timers.delete(id);
  };

  /** When somebody sets a timer of exactly so many milliseconds. */
  timerOf(ms) {
    if ([...this.#timers.values()].some(({ at }) => at - this.#now === ms)) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push({ ms, resolve: () => void resolve() }));
  }

  /** Runs what falls due, in order of time. */
  advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [id, { at, run }] = due;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      run();
    }
    this.#now = end;
  }
}
