// SPDX-License-Identifier: Apache-2.0

/// The page's script. Text of a capture reaches the page as text nodes and on canvases only.
enum ReportScript {
    /// Data, filter and selection.
    static let source = #"""
        'use strict';
        const $ = id => document.getElementById(id);
        const raw = JSON.parse($('data').textContent);
        function column(text, Kind) {
          const bytes = atob(text), out = new Uint8Array(bytes.length);
          for (let i = 0; i < bytes.length; i++) out[i] = bytes.charCodeAt(i);
          return new Kind(out.buffer);
        }
        const times = column(raw.times, Float64Array), lanes = column(raw.lanes, Uint16Array);
        const kinds = column(raw.kinds, Uint8Array), words = column(raw.words, Uint32Array);
        const askedAt = column(raw.askedAt, Float64Array), askedOn = column(raw.askedOn, Uint16Array);
        const took = column(raw.took, Float64Array), asked = column(raw.asked, Uint32Array);
        const failed = column(raw.failed, Uint8Array), texts = raw.texts, channels = raw.channels;
        const count = times.length, last = count ? times[count - 1] : 0, begin = BigInt(raw.begin);
        const colours = ['#1f6feb', '#2da44e', '#8250df', '#bf8700', '#6e7781'], badColour = '#cf222e';
        const kindNames = ['host to BMC', 'BMC to host', 'request', 'answer', 'event'];
        const shownLanes = channels.map(() => true);
        let byLane = [], badBefore = [], selected = count ? raw.focus : -1, from = 0, to = Math.max(1, last);

        function clock(ns) {
          const t = begin + BigInt(Math.round(ns)), fraction = String(t % 1000000000n).padStart(9, '0');
          return new Date(Number(t / 1000000n)).toISOString().slice(0, 19).replace('T', ' ') + '.' + fraction;
        }
        function span(ns) {
          for (const [unit, worth] of [['s', 1e9], ['ms', 1e6], ['us',
            1e3]]) if (ns >= worth) return +(ns / worth).toPrecision(4) + ' ' + unit;
          return Math.round(ns) + ' ns';
        }
        function lower(list, time) {
          let low = 0, high = list.length;
          while (low < high) { const mid = (low + high) >> 1; if (times[list[mid]] < time) low = mid + 1; else high = mid; }
          return low;
        }
        function refilter() {
          const needle = $('filter').value.toLowerCase(), onlyBad = $('onlyBad').checked;
          const fits = needle === '' ? null : texts.map(text => text.toLowerCase().includes(needle));
          const sizes = new Uint32Array(channels.length), wanted = new Uint8Array(count);
          for (let i = 0; i < count; i++) {
            if (shownLanes[lanes[i]] && (!onlyBad || kinds[i] & 128) && (fits === null || fits[words[i]])) { wanted[i] = 1;
              sizes[lanes[i]]++; }
          }
          byLane = Array.from(sizes, size => new Uint32Array(size));
          badBefore = Array.from(sizes, size => new Uint32Array(size + 1));
          const next = new Uint32Array(channels.length);
          for (let i = 0; i < count; i++) {
            if (!wanted[i]) continue;
            const lane = lanes[i], at = next[lane]++;
            byLane[lane][at] = i;
            badBefore[lane][at + 1] = badBefore[lane][at] + (kinds[i] >> 7);
          }
          draw();
        }
        function row(index, time) {
          const line = document.createElement('tr');
          if (kinds[index] & 128) line.className = 'bad';
          if (index === selected) line.classList.add('here');
          line.dataset.event = index;
          for (const text of [time, channels[lanes[index]], kindNames[kinds[index] & 127], texts[words[index]]]) {
            line.appendChild(document.createElement('td')).textContent = text;
          }
          return line;
        }
        function select(index, isMoving) {
          if (index < 0 || index >= count) return;
          selected = index;
          $('detail').textContent = clock(times[index]) + ' UTC, event ' + (index + 1) + ' of ' + count + ', channel '
            + channels[lanes[index]] + ', ' + kindNames[kinds[index] & 127] + '\n' + texts[words[index]]
            + (index === raw.focus ? '\n(the host CPU’s last access, or the last one before it hung)' : '');
          const rows = [];
          for (let i = Math.max(0, index - 25); i < Math.min(count, index + 25); i++) rows.push(row(i,
            clock(times[i]).slice(11)));
          $('near').replaceChildren(...rows);
          const here = $('near').querySelector('.here'), box = $('near').closest('.scroll');
          if (here) box.scrollTop = here.offsetTop - box.clientHeight / 2;
          if (isMoving && (times[index] < from || times[index] > to)) centre(times[index], to - from);
          draw();
        }
        function centre(time, width) {
          width = Math.min(Math.max(width, 100), Math.max(1, last) * 1.1);
          from = time - width / 2; to = time + width / 2;
          draw();
        }
        function zoom(factor, at) {
          const time = at === undefined ? (from + to) / 2 : at, width = Math.min(Math.max((to - from) * factor, 100),
            Math.max(1, last) * 1.1);
          const share = (time - from) / (to - from);
          from = time - width * share; to = from + width;
          draw();
        }
        function home() {
          if (!count) return;
          // What led to it fills most of the view.
          const first = times[Math.max(0, raw.focus - 40)], width = Math.max(1000, (times[raw.focus] - first) * 1.25);
          from = first; to = first + width;
          select(raw.focus, false);
        }
        function step(direction, isWanted) {
          for (let i = selected + direction; i >= 0 && i < count; i += direction) if (isWanted(i)) return select(i, true);
        }
        """#

    /// Canvases, and what mouse and keys do.
    static let drawing = #"""

        const view = $('view'), gutter = 110;
        function prepare(canvas) {
          const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
          if (canvas.width !== width * ratio || canvas.height !== height * ratio) { canvas.width = width * ratio;
            canvas.height = height * ratio; }
          const pen = canvas.getContext('2d');
          pen.setTransform(ratio, 0, 0, ratio, 0, 0);
          pen.clearRect(0, 0, width, height);
          return [pen, width, height];
        }
        const x = (time, width) => gutter + (time - from) / (to - from) * (width - gutter);
        let isDrawing = false;
        function draw() { if (!isDrawing) { isDrawing = true; requestAnimationFrame(paint); } }
        function paint() {
          isDrawing = false;
          const [pen, width, height] = prepare(view);
          const seen = channels.map((name, lane) => lane).filter(lane => shownLanes[lane]);
          const high = Math.min(90, (height - 24) / Math.max(1, seen.length));
          pen.font = '12px system-ui, sans-serif';
          ticks(pen, width, height);
          seen.forEach((lane, place) => {
            const top = 20 + place * high;
            pen.fillStyle = '#1b1f24';
            pen.fillText(channels[lane].slice(0, 16), 6, top + high / 2 + 4);
            pen.fillStyle = '#e6e8eb';
            pen.fillRect(gutter, top + high - 1, width - gutter, 1);
            paintLane(pen, lane, top, high, width);
          });
          if (selected >= 0 && times[selected] >= from && times[selected] <= to) {
            pen.fillStyle = '#0b5fff';
            pen.fillRect(x(times[selected], width) - 0.75, 14, 1.5, height - 18);
          }
          $('span').textContent = span(to - from) + ' in view';
        }
        function ticks(pen, width, height) {
          const rough = (to - from) / Math.max(2, (width - gutter) / 140), power = 10 ** Math.floor(Math.log10(rough));
          const unit = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
          pen.fillStyle = '#6e7781';
          for (let time = Math.ceil(from / unit) * unit; time <= to; time += unit) {
            const at = x(time, width);
            if (at > width - 60) break;
            pen.fillRect(at, 14, 1, height);
            pen.globalAlpha = 1;
            pen.fillText((time < 0 ? '−' : '+') + span(Math.abs(time)), at + 3, 11);
          }
        }
        function paintLane(pen, lane, top, high, width) {
          const list = byLane[lane], bad = badBefore[lane], first = lower(list, from), end = lower(list, to + 1);
          // Many events are one bar a pixel, as high as they are many; few are marks of their own.
          if (end - first > (width - gutter) * 2) {
            let at = first;
            for (let column = gutter; column < width && at < end; column++) {
              const time = from + (column + 1 - gutter) / (width - gutter) * (to - from), next = Math.min(end, lower(list,
                time));
              if (next > at) {
                const size = Math.min(high - 8, 3 + Math.log2(next - at) * 5);
                pen.fillStyle = bad[next] > bad[at] ? badColour : '#57606a';
                pen.fillRect(column, top + high - 3 - size, 1, size);
              }
              at = next;
            }
            return;
          }
          let free = -1;
          for (let at = first; at < end; at++) {
            const index = list[at], kind = kinds[index] & 127, place = x(times[index], width);
            pen.fillStyle = kinds[index] & 128 ? badColour : colours[kind];
            const level = kind === 0 ? 0.62 : kind === 1 ? 0.36 : 0.1, size = high * (kind < 2 ? 0.24 : 0.22);
            pen.fillRect(place - 1, top + high * level, kind < 2 ? 2 : 4, Math.max(3, size));
            if (kind >= 2 && place > free) {
              const next = at + 1 < end ? x(times[list[at + 1]], width) : width,
                text = texts[words[index]].split('\n')[1] || texts[words[index]];
              const label = text.slice(0, Math.max(0, Math.floor((next - place - 8) / 6.2)));
              if (label.length > 3) { pen.fillText(label, place + 7, top + high * 0.1 + 10);
                free = place + 7 + label.length * 6.2; }
            }
          }
        }
        function nearest(event) {
          const box = view.getBoundingClientRect(),
            time = from + (event.clientX - box.left - gutter) / (box.width - gutter) * (to - from);
          const seen = channels.map((name, lane) => lane).filter(lane => shownLanes[lane]);
          const high = Math.min(90, (box.height - 24) / Math.max(1, seen.length));
          const lane = seen[Math.floor((event.clientY - box.top - 20) / high)];
          if (lane === undefined || !byLane[lane].length) return -1;
          const list = byLane[lane], at = Math.min(lower(list, time), list.length - 1);
          const before = at > 0 && time - times[list[at - 1]] < times[list[at]] - time ? at - 1 : at;
          return Math.abs(x(times[list[before]], box.width) - (event.clientX - box.left)) < 12 ? list[before] : -1;
        }
        let drag = null;
        view.addEventListener('mousedown', event => { drag = { x: event.clientX, from, to, moved: false }; });
        window.addEventListener('mouseup', event => { if (drag && !drag.moved) { const hit = nearest(event);
          if (hit >= 0) select(hit, false); } drag = null; });
        view.addEventListener('mousemove', event => {
          if (drag) {
            const move = (event.clientX - drag.x) / (view.clientWidth - gutter) * (drag.to - drag.from);
            if (Math.abs(event.clientX - drag.x) > 3) drag.moved = true;
            from = drag.from - move; to = drag.to - move;
            return draw();
          }
          const hit = nearest(event);
          if (hit >= 0 && hit !== selected) select(hit, false);
        });
        view.addEventListener('wheel', event => {
          event.preventDefault();
          const box = view.getBoundingClientRect();
          zoom(event.deltaY > 0 ? 1.25 : 0.8, from + (event.clientX - box.left - gutter) / (box.width - gutter) * (to - from));
        }, { passive: false });
        const isShown = index => shownLanes[lanes[index]];
        const keys = {
          ArrowLeft: () => { const move = (to - from) / 5; from -= move; to -= move; draw(); },
          ArrowRight: () => { const move = (to - from) / 5; from += move; to += move; draw(); },
          '+': () => zoom(0.6), '=': () => zoom(0.6), '-': () => zoom(1.6), '0': () => { from = 0; to = Math.max(1, last);
            draw(); },
          ',': () => step(-1, isShown), '.': () => step(1, isShown), h: home, Home: () => select(0, true),
            End: () => select(count - 1, true),
          n: () => step(1, index => kinds[index] & 128), p: () => step(-1, index => kinds[index] & 128),
          '/': event => { event.preventDefault(); $('filter').focus(); },
        };
        document.addEventListener('keydown', event => {
          if (event.target.tagName === 'INPUT' || event.ctrlKey || event.metaKey || event.altKey) return;
          if (keys[event.key]) keys[event.key](event);
        });
        document.addEventListener('click', event => {
          const line = event.target.closest('tr[data-event]');
          if (line) select(Number(line.dataset.event), true);
        });
        function latencies() {
          const list = Array.from(took).filter(value => value >= 0).sort((a, b) => a - b);
          const [pen, width, height] = prepare($('histogram'));
          if (!list.length) { $('latencyWords').textContent = '(no answered requests)'; return; }
          const at = share => span(list[Math.min(list.length - 1, Math.floor(list.length * share))]);
          $('latencyWords').textContent = 'median ' + at(0.5) + ', 95 % ' + at(0.95) + ', 99 % ' + at(0.99)
            + ', most ' + span(list[list.length - 1]);
          const low = Math.floor(Math.log10(Math.max(1, list[0])) * 4), top = Math.ceil(Math.log10(Math.max(10,
            list[list.length - 1] + 1)) * 4);
          const bins = new Array(Math.max(1, top - low + 1)).fill(0);
          for (const value of list) bins[Math.min(bins.length - 1, Math.floor(Math.log10(Math.max(1, value)) * 4) - low)]++;
          const most = Math.max(...bins), wide = width / bins.length;
          pen.font = '11px system-ui, sans-serif';
          bins.forEach((size, bin) => {
            const high = size ? Math.max(2, size / most * (height - 34)) : 0;
            pen.fillStyle = '#1f6feb';
            pen.fillRect(bin * wide + 1, height - 18 - high, wide - 2, high);
            pen.fillStyle = '#4a525c';
            if (size) pen.fillText(size, bin * wide + 2, height - 21 - high);
            if (wide > 44 || bin % Math.ceil(44 / wide) === 0) pen.fillText(span(10 ** ((bin + low) / 4)), bin * wide + 2,
              height - 5);
          });
          const order = Array.from(took.keys()).sort((a, b) => (took[b] < 0 ? Infinity : took[b]) - (took[a] < 0 ?
            Infinity : took[a])).slice(0, 50);
          const all = Uint32Array.from({ length: count }, (value, index) => index);
          $('slowest').replaceChildren(...order.map(index => {
            const line = document.createElement('tr');
            if (failed[index]) line.className = 'bad';
            line.dataset.event = Math.min(count - 1, lower(all, askedAt[index]));
            for (const text of [took[index] < 0 ? 'no answer' : span(took[index]), channels[askedOn[index]],
              texts[asked[index]]]) {
              line.appendChild(document.createElement('td')).textContent = text;
            }
            return line;
          }));
        }
        function begun() {
          $('main').hidden = false;
          const bad = [];
          let badCount = 0;
          for (let i = count - 1; i >= 0; i--) if (kinds[i] & 128) { badCount++; if (bad.length < 200) bad.push(i); }
          $('failureCount').textContent = badCount + (badCount > bad.length ?
            ', the last ' + bad.length + ' first' : badCount > 1 ? ', the last first' : '');
          $('failures').replaceChildren(...bad.map(index => row(index, clock(times[index]))));
          channels.forEach((name, lane) => {
            const label = document.createElement('label'), box = document.createElement('input');
            box.type = 'checkbox'; box.checked = true;
            box.addEventListener('change', () => { shownLanes[lane] = box.checked; refilter(); });
            label.append(box, ' ' + name + ' ');
            $('lanes').append(label);
          });
          kindNames.concat('failure').forEach((name, kind) => {
            const mark = document.createElement('i');
            mark.style.background = kind < 5 ? colours[kind] : badColour;
            $('legend').append(mark, name);
          });
          $('filter').addEventListener('input', refilter); $('onlyBad').addEventListener('change', refilter);
          $('in').addEventListener('click', () => zoom(0.5)); $('out').addEventListener('click', () => zoom(2));
          $('all').addEventListener('click', keys['0']); $('home').addEventListener('click', home);
          window.addEventListener('resize', () => { draw(); latencies(); });
          refilter(); latencies(); home();
          document.body.dataset.ready = count;
        }
        begun();

        """#
}
