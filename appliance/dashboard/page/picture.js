// <cloister-picture>: the way of a photon, step by step, with what each step yields now. Across on a wide screen, down on a phone.

import {count, percent, rate, size} from './format.js';

const narrow = matchMedia('(max-width: 45rem)');
const namespace = 'http://www.w3.org/2000/svg';

function element(name, attributes, text) {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/// Name, figure, and whether it goes well (true), badly (false), or not yet (null).
function steps(link, tunnels, traffic) {
  const lit = link.detections_per_second > 0;
  const dropped = link.state === 'no key: blocks dropped';
  const up = tunnels.filter((tunnel) => tunnel.state === 'up').length;
  const stock = tunnels.reduce((sum, tunnel) => sum + tunnel.stock_keys, 0);
  const blocked = tunnels.some((tunnel) => tunnel.state === 'blocked');
  const dark = ['no device', 'no light'].includes(link.state);
  const ways = link.key_source === 'external' ? [
    ['KME', dark ? 'gives no keys' : 'gives the keys', dark ? false : link.blocks_made > 0 || null],
    ['no epsilon', 'the KME’s word', null],
  ] : [
    ['photons', link.role === 'alice' ? 'sent here' : 'received here', dark ? false : lit || null],
    ['detections', count(link.detections_per_second), dark ? false : lit || null],
    ['sifted', rate(link.sifted_bits_per_second), link.sifted_bits_per_second > 0 || null],
    ['QBER', percent(link.shown_qber), dropped ? false : link.qber !== null || null],
  ];
  return [
    ...ways,
    ['secret', rate(link.secret_bits_per_second), dropped ? false : link.secret_bits_per_second > 0 || null],
    ['reserve', size(link.reserve_bits / 8), link.reserve_bits > 0 || null],
    ['keys', `${stock} in stock`, blocked ? false : stock > 0 || null],
    ['packets', blocked ? 'blocked' : up > 0 ? rate(traffic) : 'no tunnel', blocked ? false : up > 0 || null],
  ];
}

export class Picture extends HTMLElement {
  connectedCallback() {
    narrow.addEventListener('change', () => this.known && this.show(...this.known));
  }

  show(link, tunnels, traffic) {
    this.known = [link, tunnels, traffic];
    const all = steps(link, tunnels, traffic);
    const down = narrow.matches;
    const place = (index) => (down ? [30, 30 + 56 * index] : [60 + 120 * index, 50]);
    const svg = element('svg', {viewBox: down ? `0 0 320 ${56 * all.length}` : `0 0 ${120 * all.length} 120`, role: 'img'});
    svg.setAttribute('aria-label', `From ${all[0][0]} to packets: ${all.map(([name, figure]) => `${name} ${figure}`).join(', ')}`);
    const [x1, y1] = place(0);
    const [x2, y2] = place(all.length - 1);
    svg.append(element('line', {class: 'way', x1, y1, x2, y2}));
    all.forEach(([name, figure, well], index) => {
      const [x, y] = place(index);
      const group = element('g', {class: well === null ? 'idle' : well ? 'good' : 'bad'});
      const text = down ? {x: x + 32, anchor: 'start', first: y - 2, second: y + 15} : {x, anchor: 'middle', first: y + 40, second: y + 58};
      group.append(
        element('circle', {cx: x, cy: y, r: 18}),
        element('text', {class: 'mark', x, y: y + 6}, well === null ? '…' : well ? '✓' : '✗'),
        element('text', {x: text.x, y: text.first, 'text-anchor': text.anchor}, name),
        element('text', {class: 'figure', x: text.x, y: text.second, 'text-anchor': text.anchor}, figure));
      svg.append(group);
    });
    this.replaceChildren(svg);
  }
}

customElements.define('cloister-picture', Picture);
