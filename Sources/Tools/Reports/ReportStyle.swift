// SPDX-License-Identifier: Apache-2.0

/// What the page looks like, and the frame that its script fills.
enum ReportStyle {
    static let css = """
        :root { color-scheme: light; --line: #c8ccd2; --bad: #b3001b; --soft: #f4f5f7; }
        * { box-sizing: border-box; }
        body { font: 14px/1.4 system-ui, sans-serif; margin: 0 auto; max-width: 1500px; padding: 12px 16px; color: #1b1f24; }
        h1 { font-size: 20px; margin: 0; } h2 { font-size: 15px; margin: 14px 0 6px; }
        header p { margin: 2px 0 8px; color: #4a525c; }
        #view { width: 100%; height: 320px; display: block; border: 1px solid var(--line); border-radius: 4px; cursor: grab; }
        #view:focus, button:focus, input:focus { outline: 2px solid #0b5fff; outline-offset: 1px; }
        .bar { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; margin: 6px 0; }
        .bar input[type=search] { width: 22em; padding: 3px 6px; } button { padding: 3px 9px; }
        .legend i { display: inline-block; width: 10px; height: 10px; margin: 0 4px 0 10px; border-radius: 2px; }
        .cols { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 18px; }
        @media (max-width: 900px) { .cols { grid-template-columns: 1fr; } }
        pre { background: var(--soft); padding: 8px; margin: 0; min-height: 5.6em; white-space: pre-wrap; overflow-wrap:
          anywhere; }
        table { border-collapse: collapse; width: 100%; font: 12px/1.35 ui-monospace, monospace; }
        th, td { text-align: left; padding: 1px 8px 1px 0; vertical-align: top; white-space: pre-wrap; overflow-wrap:
          anywhere; }
        td:nth-child(-n+3) { white-space: nowrap; } tbody tr:nth-child(odd) { background: var(--soft); }
        tr.bad td { color: var(--bad); } tr.here { outline: 2px solid #0b5fff; } tbody tr[data-event] { cursor: pointer; }
        .scroll { max-height: 330px; overflow: auto; border: 1px solid var(--line); }
        #histogram { width: 100%; height: 150px; display: block; }
        kbd { border: 1px solid var(--line); border-radius: 3px; padding: 0 4px; font-size: 12px; }
        """

    static let body = """
        <h2>Failures <span id="failureCount"></span></h2>
        <div class="scroll"><table><tbody id="failures"></tbody></table></div>
        <h2>Time line</h2>
        <div class="bar"><label>Filter <input id="filter" type="search" placeholder="words of an event, e.g. ODR 55"></label>
        <label><input id="onlyBad" type="checkbox"> failures only</label>
        <span id="lanes"></span>
        <button id="in">Zoom in</button><button id="out">Zoom out</button><button id="all">All</button>
        <button id="home">Host's last access</button><span id="span"></span></div>
        <canvas id="view" tabindex="0" role="img" aria-label="Time line, a lane for each channel; the table below says the
          same">
        </canvas>
        <div class="bar legend" id="legend"></div>
        <div class="bar"><span><kbd>←</kbd> <kbd>→</kbd> move, <kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>,</kbd> <kbd>.</kbd>
          event before and
        next, <kbd>p</kbd> <kbd>n</kbd> failure before and next, <kbd>h</kbd> host's last access, <kbd>0</kbd> all, <kbd>/</kbd>
        filter</span></div>
        <h2>Event</h2><pre id="detail" aria-live="polite"></pre>
        <div class="cols"><section><h2>Events around it</h2>
        <div class="scroll"><table><tbody id="near"></tbody></table></div></section>
        <section><h2>Latency <span id="latencyWords"></span></h2><canvas id="histogram" role="img"
          aria-label="Latencies"></canvas>
        <div class="scroll"><table><tbody id="slowest"></tbody></table></div></section></div>
        """
}
