// The page: listens to /live, where the status comes once a second, and shows it. Nothing is sent, nothing comes from elsewhere.

import {duration, keys, percent, rate, size} from './format.js';
import kinds from './kinds.js';
import './picture.js';
import './plot.js';

const at = (id) => document.getElementById(id);

function made(name, properties = {}, children = []) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const drops_blocks = (link) => link.state === 'no key: blocks dropped';
const why_dropped = (link) => link.key_source === 'external' ? `(${link.last_drop?.reason ?? 'their KMEs do not give the same keys'})` :
  `(QBER ${percent(link.shown_qber)}): someone may be listening, or it is misaligned`;
const tested = new Map(); // by link: the newest QBER of a test basis

/// The QBER to show beside a link's state: between two blocks the test basis has none, and the key basis is that of the last block
/// which gave a key, which says nothing of those that are dropped.
function remember_qber(link) {
  if (link.test_qber !== null) tested.set(link.name, link.test_qber);
  link.shown_qber = link.test_qber ?? (drops_blocks(link) ? tested.get(link.name) ?? null : link.qber);
}

/// A box that has no secrets any more, or gives none out.
const closed = {
  'zeroized': 'Zeroized: the secrets of this box are destroyed, and nothing passes its tunnels',
  'self-test failed': 'Closed: a self-test failed; no key is made, and nothing passes the tunnels',
  'no secrets': 'Closed: the secrets of this box did not open; no key is made, and nothing passes the tunnels',
};

/// What state the box is in as a whole, and how to say it. The worst first.
function headline(status) {
  if (status.state !== 'running') return ['closed', closed[status.state] ?? `Closed: ${status.state}`];
  const blocked = status.tunnels.find((tunnel) => tunnel.state === 'blocked');
  if (blocked) return ['blocked', `Blocked: tunnel '${blocked.name}' has no key left; its packets are dropped, not sent in clear`];
  const dropped = status.links.find(drops_blocks);
  if (dropped) {
    return ['attack', `No new keys: link '${dropped.name}' drops its blocks ${why_dropped(dropped)}`];
  }
  const waiting = status.links.find((link) => link.state !== 'running');
  if (waiting) return ['waiting', `Link '${waiting.name}': ${waiting.state}`];
  const differs = status.tunnels.find((tunnel) => tunnel.state === 'differs');
  if (differs) return ['blocked', `Blocked: tunnel '${differs.name}' is not configured alike on both boxes; its packets are dropped`];
  const down = status.tunnels.find((tunnel) => tunnel.state !== 'up');
  if (down) return ['waiting', `Tunnel '${down.name}': ${down.state}`];
  const calling = status.alarms.filter((alarm) => !alarm.ignored && alarm.acknowledged_by === null);
  if (calling.length > 0) return ['alarm', `Running, but ${calling.length === 1 ? 'an alarm stands' : `${calling.length} alarms stand`}: ${calling[0].code} of ${calling[0].subject}`];
  return ['running', 'Running: keys are made and spent'];
}

function say(state, text) {
  document.body.dataset.state = state;
  if (at('headline').textContent !== text) at('headline').textContent = text; // told once to a screen reader
}

const sections = new Map(); // by link
let before = null; // the status before this one: rates of traffic are differences

function section_of(link) {
  if (!sections.has(link.name)) {
    const plot = (...description) => document.createElement('cloister-plot').describe(...description);
    const section = {
      picture: document.createElement('cloister-picture'),
      about: made('p'),
      qber: plot('QBER', ['key basis', 'test basis'], percent, 0.02),
      rates: plot('Key rates', ['sifted', 'secret'], rate, 1000),
      stock: plot('Keys in stock', ['all tunnels'], keys, 4),
      reserve: plot('Authentication reserve', ['kept'], size, 1024),
      traffic: plot('Traffic', ['received', 'sent'], rate, 1000),
    };
    const plots = made('div', {className: 'plots'}, [section.qber, section.rates, section.stock, section.reserve, section.traffic]);
    const title = made('h2', {id: `link-${link.name}`, textContent: `Link ${link.name} to ${link.peer}`});
    section.whole = made('section', {}, [title, section.about, section.picture, plots]);
    section.whole.setAttribute('aria-labelledby', title.id);
    at('links').append(section.whole);
    sections.set(link.name, section);
  }
  return sections.get(link.name);
}

/// A reload may have taken links out.
function forget_links(links) {
  for (const [name, section] of sections) {
    if (links.some((link) => link.name === name)) continue;
    section.whole.remove();
    sections.delete(name);
  }
}

function bits_per_second(status, tunnels, field) {
  const seconds = before ? status.uptime_seconds - before.uptime_seconds : 0;
  if (!(seconds > 0)) return 0;
  const earlier = (tunnel) => before.tunnels.find((one) => one.name === tunnel.name)?.[field] ?? tunnel[field];
  return Math.max(0, tunnels.reduce((sum, tunnel) => sum + tunnel[field] - earlier(tunnel), 0)) * 8 / seconds;
}

function show_link(status, link) {
  const section = section_of(link);
  const tunnels = status.tunnels.filter((tunnel) => tunnel.link === link.name);
  const [received, sent] = ['bytes_in', 'bytes_out'].map((field) => bits_per_second(status, tunnels, field));
  const authenticator = {qkd: 'QKD keys', computational: 'keys derived from QKD key (computational)', bootstrap: 'the bootstrap', nobody: 'nobody'}[link.authenticated_by];
  section.about.textContent = `${link.state}; classical channel authenticated by ${authenticator}; blocks: ${link.blocks_made} made, ` +
    `${link.blocks_dropped} dropped, ${link.blocks_burnt} burnt` + (link.key_source === 'external' ? '; finished keys of a KME: what they are worth is its word' : '');
  section.picture.show(link, tunnels, received + sent);
  const now = status.uptime_seconds;
  section.qber.hidden = link.key_source === 'external';
  section.qber.push(now, [link.qber, link.test_qber]);
  section.rates.push(now, [link.sifted_bits_per_second, link.secret_bits_per_second]);
  section.stock.push(now, [tunnels.reduce((sum, tunnel) => sum + tunnel.stock_keys, 0)]);
  section.reserve.push(now, [link.reserve_bits / 8]);
  section.traffic.push(now, [received, sent]);
}

function tunnel_card(tunnel) {
  const dropped = tunnel.dropped_no_key + tunnel.dropped_selector + tunnel.dropped_send + tunnel.dropped_too_big + tunnel.dropped_congested + tunnel.dropped_over_rate + tunnel.authentication_failures + tunnel.replays;
  const rows = [
    ['Cipher', tunnel.cipher || 'none'],
    ['Keys left', `${tunnel.stock_keys} of ${tunnel.stock_keys_max}, for ${duration(tunnel.key_left_seconds)}`],
    ['Key age', tunnel.key_age_seconds === null ? 'no key' : duration(tunnel.key_age_seconds)],
    ['Key of', {none: 'nothing', qkd: 'QKD', extended: 'QKD, beyond its lifetime', pqc: 'an exchange alone (X25519, ML-KEM-768)'}[tunnel.key_source]],
    ['Its block authenticated by', tunnel.authenticated_by],
    ['Rekeys', `${tunnel.rekeys}${tunnel.last_rekey_seconds === null ? '' : `, the last in ${Math.round(1000 * tunnel.last_rekey_seconds)} ms`}`],
    ['Key use', `${rate(tunnel.key_bits_per_second)}`],
    ['Transfer', `${size(tunnel.bytes_in)} received, ${size(tunnel.bytes_out)} sent`],
    ['Dropped', `${dropped} packets: ${tunnel.dropped_no_key} without key, ${tunnel.authentication_failures} forged`],
  ];
  if (tunnel.constant_packets_per_second !== null)
    rows.push(['Constant rate', `${tunnel.constant_packets_per_second} datagrams/s, ${Math.round(100 * tunnel.constant_rate_used)} % of them used, ${tunnel.slots_missed} missed`]);
  if (tunnel.pad_sending_bytes !== null) {
    rows.push(['Pad', `${size(tunnel.pad_sending_bytes)} to send, ${size(tunnel.pad_receiving_bytes)} to receive, ${size(tunnel.pad_bytes_per_second)}/s used`]);
    rows.push(['A forgery passes', `by the tags alone with ${tunnel.forgery_epsilon_per_packet.toExponential(1)}, ${tunnel.forgery_epsilon_of_sa.toExponential(1)} in this SA's life; beside the epsilon of the keys`]);
  }
  const state = made('span', {className: tunnel.state === 'up' ? 'state-good' : 'state-bad', textContent: tunnel.state});
  const list = made('dl', {}, rows.flatMap(([name, value]) => [made('dt', {textContent: name}), made('dd', {textContent: value})]));
  return made('article', {className: 'card'}, [made('h3', {}, [`${tunnel.name}: `, state]), list]);
}

function alarm_card(alarm) {
  const note = alarm.ignored ? 'ignored, as configured' : alarm.acknowledged_by === null ? 'acknowledged by nobody' : `acknowledged by user ${alarm.acknowledged_by}`;
  const times = alarm.times === 1 ? 'once' : `${alarm.times} times`;
  const lines = [alarm.text, `Since ${alarm.since.slice(0, 19).replace('T', ' ')} UTC, ${times}; ${note}.`];
  const known = kinds[alarm.code];
  if (known) lines.push(known.meaning, `What to do: ${known.remedy}`);
  return made('article', {className: `card alarm${alarm.ignored ? ' ignored' : ''}`},
    [made('h3', {textContent: `${alarm.code} of ${alarm.subject}`}), ...lines.map((textContent) => made('p', {textContent}))]);
}

let alarms_shown = '';

/// Anew only where they have changed: what a person selects or a screen reader reads stays.
function show_alarms(alarms) {
  const now = JSON.stringify(alarms);
  if (now === alarms_shown) return;
  alarms_shown = now;
  at('alarms-section').hidden = alarms.length === 0;
  at('alarms').replaceChildren(...alarms.map(alarm_card));
}

function event_text(status, event) {
  const ago = duration(Math.max(0, status.uptime_seconds - event.at_seconds));
  const times = event.times > 1 ? ` (${event.times} times)` : '';
  return `${event.severity === 'alarm' ? 'ALARM, ' : ''}${ago} ago: ${event.subject}: ${event.text}${times}`;
}

const lines = new Map(); // of events, by number

/// A line stays the same element while its event is kept, so that the list can be scrolled and selected from.
function show_events(status) {
  if (before === null) lines.clear();
  for (const event of status.events) {
    const line = lines.get(event.number) ?? made('li', {className: event.severity === 'alarm' ? 'alarm' : ''});
    const text = event_text(status, event);
    if (line.textContent !== text) line.textContent = text;
    lines.set(event.number, line);
  }
  const kept = new Set(status.events.map((event) => event.number));
  for (const number of lines.keys()) if (!kept.has(number)) lines.delete(number);
  const list = at('events');
  const wanted = status.events.toReversed().map((event) => lines.get(event.number));
  if (wanted.length !== list.children.length || wanted.some((line, index) => list.children[index] !== line)) list.replaceChildren(...wanted);
}

function show(status) {
  if (before && before.uptime_seconds > status.uptime_seconds) before = null; // the service began anew
  status.links.forEach(remember_qber);
  say(...headline(status));
  document.title = `${status.box}: ${document.body.dataset.state} - Cloister`;
  at('box').textContent = status.box;
  at('about').textContent = `version ${status.version}, up ${duration(status.uptime_seconds)}`;
  show_alarms(status.alarms);
  forget_links(status.links);
  for (const link of status.links) show_link(status, link);
  at('tunnels').replaceChildren(...status.tunnels.map(tunnel_card));
  show_events(status);
  before = status;
}

function listen() {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`);
  socket.addEventListener('message', (message) => {
    const answer = JSON.parse(message.data);
    if (answer.ok) show(answer.status);
    else say('gone', `The service does not answer: ${answer.error}`);
  });
  socket.addEventListener('close', () => {
    say('gone', 'The dashboard does not answer: on the box, systemctl status cloister-dashboard. Trying again.');
    setTimeout(listen, 2000);
    fetch('/', {method: 'HEAD'}).then((answer) => answer.status === 401 && location.reload(), () => {}); // the token is another now
  });
}

listen();
