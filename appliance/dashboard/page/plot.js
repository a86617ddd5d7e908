// <cloister-plot>: one or two series of the last five minutes, or of what there is yet. Arrow keys and the pointer read values off it.

import {duration} from './format.js';

const seconds_kept = 300;
const seconds_least = 30;
const width = 600;
const height = 120;

export class Plot extends HTMLElement {
  samples = []; // {at, values}
  chosen = null; // index of the sample that is read off

  /// `unit` turns a value into text; `top_min` keeps noise around zero from filling the plot.
  describe(title, names, unit, top_min) {
    Object.assign(this, {names, unit, top_min});
    this.title_text = title;
    this.innerHTML = `<h3></h3><output></output><div class="scale"><span class="top"></span><span class="span"></span></div>
      <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" tabindex="0">
      <line class="axis" x1="0" x2="${width}" y1="${height - 1}" y2="${height - 1}"></line>
      <line class="cursor" y1="0" y2="${height}" visibility="hidden"></line></svg>`;
    this.querySelector('h3').textContent = title;
    this.svg = this.querySelector('svg');
    this.paths = names.map((_, index) => {
      const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      path.classList.add(`series-${index}`);
      this.svg.append(path);
      return path;
    });
    this.svg.addEventListener('keydown', (event) => this.key(event));
    this.svg.addEventListener('pointermove', (event) => this.point(event));
    for (const leaving of ['pointerleave', 'blur']) this.svg.addEventListener(leaving, () => this.choose(null));
    return this;
  }

  push(at, values) {
    if (this.samples.length > 0 && at <= this.samples.at(-1).at) this.samples = []; // the service began anew
    this.samples.push({at, values});
    const gone = this.samples.findIndex((sample) => sample.at >= at - seconds_kept);
    this.samples.splice(0, gone);
    if (this.chosen !== null) this.chosen = Math.max(0, this.chosen - gone);
    this.draw();
  }

  /// How much time the plot is wide.
  seconds() {
    return Math.max(seconds_least, this.samples.at(-1).at - this.samples[0].at);
  }

  x(at) {
    return width * (1 - (this.samples.at(-1).at - at) / this.seconds());
  }

  draw() {
    const top = Math.max(this.top_min, 1.1 * Math.max(...this.samples.flatMap((sample) => sample.values).map(Number)));
    this.paths.forEach((path, index) => {
      let d = '';
      let pen_down = false;
      for (const sample of this.samples) {
        const value = sample.values[index];
        if (value !== null) {
          d += `${pen_down ? 'L' : 'M'}${this.x(sample.at).toFixed(1)} ${(height * (1 - value / top)).toFixed(1)}`;
        }
        pen_down = value !== null;
      }
      path.setAttribute('d', d);
    });
    this.querySelector('.top').textContent = this.unit(top);
    this.querySelector('.span').textContent = `last ${duration(this.seconds())}`;
    const text = this.values_text(this.samples.at(-1));
    this.svg.setAttribute('aria-label', `${this.title_text}: ${text}. Arrow keys read earlier values.`);
    this.read_off();
  }

  values_text(sample) {
    return this.names.map((name, index) => `${name} ${this.unit(sample.values[index])}`).join(', ');
  }

  read_off() {
    const sample = this.samples[this.chosen ?? this.samples.length - 1];
    if (!sample) return;
    const ago = Math.round(this.samples.at(-1).at - sample.at);
    const output = this.querySelector('output');
    output.replaceChildren(...this.names.flatMap((name, index) => {
      const mark = document.createElement('span');
      mark.className = `series-${index}`;
      mark.textContent = index === 0 ? '— ' : '- - ';
      return [mark, `${name} ${this.unit(sample.values[index])}  `];
    }), this.chosen === null ? '' : `${ago} s ago`);
    const cursor = this.querySelector('.cursor');
    cursor.setAttribute('visibility', this.chosen === null ? 'hidden' : 'visible');
    cursor.setAttribute('x1', this.x(sample.at));
    cursor.setAttribute('x2', this.x(sample.at));
  }

  choose(index) {
    this.chosen = index === null ? null : Math.min(Math.max(index, 0), this.samples.length - 1);
    this.read_off();
  }

  key(event) {
    const last = this.samples.length - 1;
    const to = {ArrowLeft: (this.chosen ?? last) - 1, ArrowRight: (this.chosen ?? last) + 1, Home: 0, End: last, Escape: null}[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.choose(to);
  }

  point(event) {
    if (this.samples.length === 0) return;
    const box = this.svg.getBoundingClientRect();
    const at = this.samples.at(-1).at - this.seconds() * (1 - (event.clientX - box.left) / box.width);
    let nearest = 0;
    this.samples.forEach((sample, index) => {
      if (Math.abs(sample.at - at) < Math.abs(this.samples[nearest].at - at)) nearest = index;
    });
    this.choose(nearest);
  }
}

customElements.define('cloister-plot', Plot);
