#include "appliance/control/event_kinds.hpp"

#include "appliance/control/standing_alarms.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>

namespace cloister::control {
namespace {

constexpr auto kinds = std::to_array<EventKind>({
    {"AGREEMENT_DIFFERS", true,
     "A link is configured differently on its two boxes in something that both must share: protocol version, "
     "intensities, block size, roles. The text names the difference. The session is refused.",
     "Make the named settings equal in both configurations ('cloisterctl config show' on each), and say 'systemctl "
     "reload cloister' on the box that was changed."},
    {"ALARM_ACKNOWLEDGED", false,
     "Somebody with the right to it has taken note of an alarm ('cloisterctl alarm acknowledge'). The text names alarm "
     "and user.",
     ""},
    {"AUDIT_BROKEN", true,
     "The audit log does not hang together: a line was changed, removed or added since it was written.",
     "Run 'cloisterctl audit verify': it names the first line that does not fit. Compare with the heads in the "
     "journal's "
     "copy (field CLOISTER_AUDIT_HEAD), and find out who can write to the state directory."},
    {"AUDIT_LOST", true, "The audit log cannot be written: events since then are in the journal alone.",
     "Give the file system of 'box.state_directory' room and its right owner, and restart the service."},
    {"AUTHENTICATION_LOWERED", true,
     "The reserve that pays for authentication is at its low mark on one of the boxes, and blocks are lost at their "
     "very "
     "end, where their tags are spent. As 'authentication.policy: its-preferred' says, keys are made on: from the "
     "block "
     "that the text names their authentication is computational (under keys that are derived from QKD key), and they "
     "are "
     "labelled so. As long as there are pads some are still tried with QKD keys that are used once; the first that "
     "succeeds ends this. The text says when no pad is left: then nothing of it ends by itself.",
     "Find out what ends sessions at that moment: the events before say it. Equipment that fails does it seldom, "
     "somebody who wants this outcome does it each time. Keys that are made meanwhile are safe if nobody broke "
     "HMAC-SHA-512 while they were made. Where that is not enough, set 'authentication.policy: its-only' on both "
     "boxes. "
     "When no pad is left, restart one of the services: the link comes back on the sealed reserve, or bootstraps where "
     "there is none."},
    {"AUTHENTICATION_RAISED", false,
     "QKD keys that are used once authenticate the classical channel again, and the reserve fills.", ""},
    {"AUTHENTICATION_SWITCHED", false,
     "From this message on QKD keys authenticate the classical channel (with 'authentication.policy: computational', "
     "keys "
     "that are derived from them); the secrets of the bootstrap are wiped.",
     ""},
    {"BLOCK_BURNT", false,
     "The session ended before both boxes had confirmed a block; what one side lacks both discard. No key bit is used.",
     ""},
    {"BOOTSTRAP_ALLOWED", false,
     "Somebody with the right to it has let a link bootstrap once ('cloisterctl link bootstrap'). The text names the "
     "user.",
     ""},
    {"BOOTSTRAP_DONE", false, "The boxes have authenticated each other by their bootstrap credentials.", ""},
    {"BOOTSTRAP_REFUSED", true,
     "The boxes could not authenticate each other by their bootstrap credentials: the PSKs differ, a key is not the "
     "one "
     "that is trusted, the peer is not the one that the configuration names, or somebody stands between the two. The "
     "text has the reason, and of keys both fingerprints.",
     "Check 'bootstrap' of the link on both boxes. Where the PSKs differ, make a new one with 'cloisterctl psk "
     "generate' here and carry it to 'cloisterctl psk import' there. Where a key has another fingerprint than "
     "expected, ask the peer's operator for it ('cloisterctl fingerprint') by a way that nobody can have changed; if "
     "it is the expected one, somebody stands between the boxes."},
    {"BOOTSTRAP_WAITS", true,
     "The two boxes of a link have no QKD key in common any more, and one of them bootstraps again only when its "
     "operator "
     "allows it ('bootstrap.again: operator'). The text says which. Until then there is no session, and tunnels block "
     "when their stock is used up.",
     "Find out why the keys are gone: the events before say it (a reserve that was put back, spent or damaged, a TPM "
     "that "
     "was replaced), here or at the peer. When it has an honest reason, say 'cloisterctl link bootstrap LINK' on the "
     "box "
     "that waits; where both wait, on both."},
    {"CHANNEL_TAMPERED", true,
     "A message on the classical channel is not what the peer has sent: its authentication fails. The session ends and "
     "its open blocks are burnt; no key is made of them.",
     "One such event may be a fault of the network's equipment. Several are somebody who tries: find out who has "
     "access "
     "to the path between the boxes. Nothing was learnt by it."},
    {"DEVICE_FOUND", false, "The QKD device answers again.", ""},
    {"DEVICE_LOST", true,
     "The QKD device does not answer, or its driver has ended; or the key management entity (KME) that gives finished "
     "keys "
     "does not answer, refuses, or answers what cannot be. No new key is made; the stock is used up.",
     "Look at the device and at 'device' of the link; the text has what the driver says, and of a KME what to do. It "
     "is "
     "tried again by itself."},
    {"DEVICE_SUSPECT", true,
     "This box's device shows signs of somebody else. A receiver: too few or too many double clicks, as detectors make "
     "that are blinded or shone at, more zeros than ones, a current that the clicks do not make, clicks at other times "
     "than calibrated, or clicks that it has reported before. A transmitter: output or returned light beyond what is "
     "calibrated, or randomness that fails its health tests. Or a meter of the device is silent. All blocks that are "
     "not keys yet are dropped on both boxes, and no key is made until the signs are gone.",
     "Take it for an attack until it is explained: look at the text, at the device's own meters and temperatures, "
     "and at the fibre's connectors. A part that has failed, or whose calibration has drifted, shows the same."},
    {"DEVICE_TRUSTED", false,
     "For long enough nothing in the device's clicks, light or meters was a sign of an attack.", ""},
    {"EPSILON_LOW", true, "The epsilons of all blocks of the link's life add up to four fifths of its budget.",
     "Plan what comes after the budget: a new one ('distillation.epsilon_budget' on both boxes), or the link's end. "
     "Where "
     "it came early, the link makes more blocks than 'planned_blocks_per_second'."},
    {"EPSILON_NOT_KEPT", true,
     "What the link has spent of its budget of epsilon cannot be written down. A restart would count from an older "
     "number.",
     "Give the file system of 'box.state_directory' room and its right owner."},
    {"EPSILON_SPENT", true,
     "The epsilons of all blocks of the link's life add up to more than its budget. Keys are made on, each within its "
     "own epsilon.",
     "Decide: raise 'distillation.epsilon_budget' on both boxes, or end the link."},
    {"FACTORY_RESET", true,
     "Somebody with the right to it returns this appliance to its factory state with 'cloisterctl zeroize --factory'. "
     "ZEROIZED comes next, then all of /var goes, with the audit log, and the box starts anew without a configuration.",
     "Set it up again as a new box, and its peers with its new fingerprint. Where nobody meant it, find out who could: "
     "the text has the user."},
    {"FIRST_KEY", false, "The first secret key of this run of the link.", ""},
    {"IMAGES_RETIRED", false,
     "Somebody has said with 'cloisterctl pcr-policy retire' that what runs is good. In a state of an older generation "
     "nothing opens any more, for good. The text has the user and the number.",
     ""},
    {"KEYS_ENOUGH", false, "The keys of a tunnel last long enough again: for twice 'alarms.keys_left_below'.", ""},
    {"KEYS_LOW", true,
     "What a tunnel has of keys lasts for less than 'alarms.keys_left_below' if no new one comes. It still passes "
     "traffic.",
     "See why keys come too slowly or not at all: the events of the tunnel's link say it. At the last key's end the "
     "tunnel does what 'when_keys_run_out' says."},
    {"KEYS_NOT_GIVEN", true,
     "Of a link whose keys come finished: one box has got keys of its key management entity (KME), and the other one's "
     "KME "
     "does not give the same. They are not used, and others are tried after a while.",
     "Look at the events of the box whose KME it is: DEVICE_LOST has what that KME says. Where it says nothing of "
     "those keys, "
     "the two KMEs are not a pair, or do not tell each other of their keys in time."},
    {"KEY_AGAIN", false, "A block gave a key again, after blocks that gave none.", ""},
    {"KMES_DISAGREE", true,
     "The boxes compared the keys that their key management entities (KMEs) had given under the same identifiers, and "
     "found "
     "them different, before a key was used; all keys of the block are wiped on both. The KMEs gave different keys, or "
     "somebody has changed the boxes' messages on the black network.",
     "Take it for an attack until it is explained: somebody may have taken the place of a KME, or sit between a KME "
     "and "
     "its box, or between the boxes. Check the KMEs' certificates and their own logs. A KME with a fault, or restored "
     "from "
     "a backup, does the same."},
    {"LIGHT_FOUND", false, "The receiver sees light again.", ""},
    {"LIGHT_LOST", true,
     "The rate of detections has fallen far below what is usual on this link: the fibre is cut or bent, the "
     "transmitter is "
     "dark, or somebody takes the light.",
     "Check the transmitter and the fibre, with a reflectometer (OTDR) where the fault is not at hand."},
    {"LINK_CLOSED", false,
     "A reload has closed a link, since its own settings are others or it is configured no longer. Its keys are wiped.",
     ""},
    {"LINK_NOT_OPENED", true,
     "A reload was taken up, but this link could not be opened. The other links and their tunnels work.",
     "Mend what the text names, and say 'systemctl reload cloister' again."},
    {"LINK_OPENED", false, "A reload has opened a link that is new, or whose own settings are others.", ""},
    {"MEMORY_RESTORED", true,
     "This machine's memory may be older than the world: a virtual machine was put back to a snapshot, cloned or moved "
     "(its hypervisor gave it a new generation), or the machine has slept, when its memory could be copied. The text "
     "says which. Keys in such a memory may have been used already, so no packet passes, all of them are wiped, and "
     "the "
     "box begins anew as after a restart: on its sealed reserve, whose use the TPM counts, and without a bootstrap.",
     "Find out who put the machine back, cloned or moved it, or had it sleep: whoever can copy a box's memory has the "
     "keys that were in it. A box belongs on a machine of its own that does not sleep. If it was you, acknowledge the "
     "alarm."},
    {"NO_SECRET_KEY", true,
     "A block gave no secret bit: by its own counts an eavesdropper may know all of it. It is discarded.",
     "A single one on a long link is bad luck in the counts. If they go on, look at QBER and loss ('cloisterctl "
     "status'); a "
     "larger 'block_bits' loses less to finite statistics."},
    {"PEER_PROTOCOL", true,
     "The peer has sent what it may not: another version, a fault, or somebody who has its keys. The session ends.",
     "Run the same version on both boxes; if they do, keep both journals and report the text."},
    {"PEER_SILENT", true, "The peer has said nothing for longer than it may. The session ends and is begun again.",
     "See whether the other box runs and whether the path between the boxes loses packets."},
    {"PEER_UNREACHABLE", true, "No connection to the peer box can be made. It is tried again, less and less often.",
     "See whether the other box runs, and whether 'peer_address' is right and no firewall stands in between."},
    {"QBER_HIGH", true,
     "A block has more errors than 'qber_limit' allows, as an eavesdropper who measures and sends on would cause. It "
     "is "
     "discarded; no key is made of it.",
     "Look at the course of the QBER ('cloisterctl watch'): a slow rise is misalignment, dark counts or a detector "
     "that "
     "ages; a jump is a disturbance of the fibre, or an eavesdropper."},
    {"QBER_NEAR_LIMIT", true,
     "A block has given a key, but its QBER is above 'alarms.qber_above' of the link's 'qber_limit', at which no block "
     "gives one.",
     "Look at the course of the QBER ('cloisterctl watch') and at the device's alignment, before it comes to "
     "QBER_HIGH."},
    {"QBER_USUAL", false, "The QBER is well below its limit again.", ""},
    {"RECONCILIATION_FAILED", true, "The errors of a block could not be corrected. It is discarded.",
     "If they go on, the error rate swings faster than blocks are made: look at the alignment of the device."},
    {"REKEY_ORDERED", false,
     "Somebody with the right to it wants a new key for a tunnel now ('cloisterctl tunnel rekey').", ""},
    {"RELOADED", false,
     "The service works by what its configuration file now says. The text names the settings that have changed, and "
     "the "
     "digest of all, as of STARTED.",
     ""},
    {"RELOAD_REFUSED", true,
     "The service was told to take up its configuration file, and did not: the text has what is wrong with it. All "
     "goes "
     "on by the configuration before.",
     "Mend the file ('cloisterctl config check'), and say 'systemctl reload cloister' again."},
    {"RESERVE_EMPTY", true,
     "The QKD keys set aside for authenticating the channel are spent on one of the boxes. The session ends, and the "
     "link "
     "is bootstrapped anew. With 'authentication.policy: its-only' that is what becomes of a link whose blocks are "
     "lost at "
     "their very end.",
     "If it happens again, blocks come too seldom for the reserve: enlarge 'authentication.reserve', or find out who "
     "keeps "
     "ending the session."},
    {"RESERVE_ROLLED_BACK", true,
     "The state on a box's disk and its TPM's counters do not fit together, or not with what the peer remembers: a "
     "snapshot or backup was put back, or the TPM was turned back, cleared or replaced. Nothing of the sealed reserve "
     "is used; a bootstrap follows, and a new one is made.",
     "If you put a backup back or changed the TPM, nothing is to be done. If nobody did, somebody has had access to "
     "the box: the text says which one."},
    {"SEALED_RESERVE_READY", false,
     "From now on a restart of either box needs no bootstrap: both hold QKD keys for it, sealed by their TPMs.", ""},
    {"SEALED_RESERVE_SPENT", true,
     "The sealed reserve cannot serve this restart: its chunks are opened, or the service was restarted too often in "
     "a short time. A bootstrap follows, and a new one is made.",
     "Find out why the boxes restart so often."},
    {"SEALED_RESERVE_UNAVAILABLE", true,
     "The sealed reserve cannot be read or kept: the TPM or the state directory does not answer as it must. The link "
     "runs; after a restart it is bootstrapped.",
     "Look at the TPM and at 'box.state_directory', as the text says, and restart the service."},
    {"SECRETS_CLOSED", true,
     "At its start the box could not open what it bootstraps by: the TPM does not answer or refuses, or a sealed file "
     "is missing, damaged, or of another TPM; the text says which. The box has no key and lets nothing pass, but "
     "answers 'cloisterctl status', 'selftest' and 'zeroize'.",
     "Mend what the text names, then restart the service. Nothing is lost by a TPM that was out of reach for a while, "
     "nor by how often the box was switched off: what is sealed is exempt from the TPM's lockout."},
    {"SELF_TEST_FAILED", true,
     "A primitive did not give its known answer, randomness, the TPM or what it has sealed is not as it should be; the "
     "text "
     "names which. The box keeps no key and lets nothing pass.",
     "Restart the service: what passes then was a passing fault of memory or processor. Where it fails again, replace "
     "the "
     "machine (a primitive, randomness), look after the TPM ('tpm'), or make new credentials ('sealed-state')."},
    {"SELF_TEST_PASSED", false, "Somebody has had the box test itself ('cloisterctl selftest'), and all is well.", ""},
    {"SESSION_LOST", false, "The session with the peer has ended; the text says why. The next one is being tried.", ""},
    {"SESSION_RESUMED", false, "The session with the peer is back, authenticated by QKD keys, without a bootstrap.",
     ""},
    {"STARTED", false,
     "The service runs, by the configuration whose digest the text has: the SHA-256 of what 'cloisterctl config show' "
     "prints.",
     ""},
    {"STOPPED", false, "The service was told to stop.", ""},
    {"STRANGER_REFUSED", true,
     "Somebody else than the peer box has connected to the link's classical channel; the connection was closed at "
     "once. At most one such event a minute; the text counts them.",
     "Where the peer box has moved, set 'peer_address'. Else keep strangers away from the port with a firewall."},
    {"TPM_SLOW", true,
     "This box's TPM has not counted within 10 s for what outlives the service: a chunk of the sealed reserve that the "
     "peer "
     "needs, or that the link has bootstrapped. The connection ends and is begun again.",
     "Run 'cloisterctl selftest': it says how long the TPM takes. See what else uses it; one that stays so slow is to "
     "be "
     "replaced."},
    {"TRUST_UNREADABLE", true,
     "The files of a link's certificate authority or of its revocation lists cannot be read any more. What was read "
     "before counts until it is out of date; who has been revoked since is not known here.",
     "Mend the files that the text names ('bootstrap.ca', 'bootstrap.crl'); they are read at each connection."},
    {"TUNNEL_ALIKE", false, "A tunnel that differed is now alike on both boxes, or gone from both.", ""},
    {"TUNNEL_BLOCKED", true,
     "The last key of a tunnel has ended and no other is there, or its one-time pad is used up. The tunnel passes "
     "nothing, but for what comes of pad meanwhile, and nothing goes round it in clear.",
     "See why no key comes: the events of the tunnel's link say it."},
    {"TUNNEL_DIFFERS", true,
     "A tunnel is not configured alike on both boxes of the link, or on one of them only. It carries nothing; the "
     "link's other tunnels do. The text has each difference.",
     "Make it equal in both configurations ('cloisterctl config show' on each), and say 'systemctl reload cloister' on "
     "the box that was changed."},
    {"TUNNEL_EXTENDED", true,
     "No key is left, and a tunnel uses its last one on beyond its lifetime, as 'when_keys_run_out: extend' says: the "
     "same SA, for the time and the packets that are allowed, then it carries nothing.",
     "See why no key comes: the events of the tunnel's link say it."},
    {"TUNNEL_PATH_MTU", false,
     "The way to a tunnel's peer takes longer or shorter packets than before: routers have said so, or a route was "
     "changed. Senders of what is too long now are told, and packets that may be cut are.",
     ""},
    {"TUNNEL_RATE_KEPT", false, "A tunnel of constant rate has sent all its datagrams for a minute.", ""},
    {"TUNNEL_RATE_MISSED", true,
     "A tunnel with 'constant_packets_per_second' could not send its datagrams in time, and left some out: the gap is "
     "seen on the black "
     "network, and tells that the box was busy.",
     "Look at what else takes the box's processors; lower 'constant_packets_per_second', on both boxes, or let fewer "
     "tunnels have it."},
    {"TUNNEL_REKEYED", false, "A tunnel whose new key was late has one, or waits for none any more.", ""},
    {"TUNNEL_REKEY_LATE", true,
     "A tunnel's next key is late: half of the time between 'rekey_interval' and 'key_lifetime' has passed without "
     "one. "
     "Traffic still passes; at the end of the last key it does what 'when_keys_run_out' says.",
     "Look whether the stock is empty ('cloisterctl tunnel'), then at the events of the tunnel's link; where there are "
     "keys, the peer is not reached."},
    {"TUNNEL_REMOVED", false,
     "A reload has taken away a tunnel, or changed what both boxes must have alike of it. Its keys are wiped.", ""},
    {"TUNNEL_STOPGAP_ENDED", false,
     "A tunnel that went on without a new key no longer does: it has a key of the stock again, or carries nothing.",
     ""},
    {"TUNNEL_UP", false, "A tunnel has a key on both boxes and passes traffic.", ""},
    {"TUNNEL_WITHOUT_QKD", true,
     "No key is left, and a tunnel goes on under keys of an exchange alone, as 'when_keys_run_out: pqc' says: X25519 "
     "and "
     "ML-KEM-768 on the authenticated channel. What is sent now is as secret as those two are.",
     "See why no key comes: the events of the tunnel's link say it."},
    {"TUN_FOUND", false, "A reload has made the interface of a tunnel again.", ""},
    {"TUN_LOST", true,
     "The interface of a tunnel was deleted or cannot be read any more. The tunnel passes nothing; nothing goes round "
     "it in clear.",
     "Find out what deleted it ('ip monitor link'), and say 'systemctl reload cloister': it makes the interface "
     "again."},
    {"VERIFICATION_FAILED", true,
     "After the correction of errors the two boxes did not hold the same bits. The block is discarded.",
     "One in a million blocks is expected; if they go on, report it with the accounts of the blocks."},
    {"ZEROIZED", true,
     "Somebody with the right to it has destroyed all secrets of this box with 'cloisterctl zeroize': those in memory, "
     "and "
     "those on disk, which this TPM opens no more, from a copy neither. All tunnels are blocked; nothing goes round "
     "them "
     "in clear. The text names the user.",
     "To use the box again, make new credentials ('cloisterctl psk' or 'cloisterctl enroll', here and at the peer's) "
     "and restart the service. Where nobody meant it, find out who could: the text has the user."},
    {"ZEROIZE_INCOMPLETE", true,
     "Of 'cloisterctl zeroize' something could not be done: the text says what. Everything else was destroyed.",
     "Where the TPM did not answer, say 'cloisterctl zeroize' again when it does: until then a copy of the files that "
     "was taken before opens on it. Where a file could not be removed, remove it; this TPM does not open it any more."},
});
static_assert(std::ranges::is_sorted(kinds, {}, &EventKind::code));

}  // namespace

std::span<const EventKind> event_kinds() { return kinds; }

const EventKind* find_event_kind(std::string_view code) {
  std::string upper{code};
  std::ranges::transform(upper, upper.begin(), [](unsigned char letter) { return std::toupper(letter); });
  const auto* const found = std::ranges::lower_bound(kinds, upper, {}, &EventKind::code);
  return found != kinds.end() && found->code == upper ? found : nullptr;
}

std::string event_reference() {
  std::string page =
      "# Events\n\n"
      "What `cloisterctl events`, the journal and the audit log show. Codes are stable. An alarm calls for a person.\n"
      "This page is made by `cloisterctl events explain --markdown`.\n";
  for (const auto& kind : kinds) {
    page += std::format("\n## {}{}\n{}\n", kind.code, kind.alarm ? " (alarm)" : "", kind.meaning);
    if (kind.alarm) page += std::format("\nStands until {}.\n", end_of(kind.code));
    if (!kind.remedy.empty()) page += std::format("\n**What to do:** {}\n", kind.remedy);
  }
  return page;
}

}  // namespace cloister::control
