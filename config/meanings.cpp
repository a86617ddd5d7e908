#include "config/meanings.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace cloister::config {
namespace {

// clang-format off
constexpr auto table = std::to_array<Meaning>({
    {"box.name", "The box's name, which must differ from its peers'. The box whose name sorts first connects to the other."},
    {"box.state_directory", "Where sealed reserves, accounts of blocks, spent epsilon and the audit log are kept."},
    {"box.identity", "The box's own key for bootstraps, sealed in the TPM, as 'cloisterctl enroll' has made it."},
    {"box.certificate", "The certificate of that key (PEM): the box's first, then those up to the root. Its DNS name is the box's name."},
    {"box.control_socket", "Where cloisterctl and the dashboard reach the service."},
    {"box.network_socket", "Where cloister-netd hands over the sockets and interfaces of the tunnels."},
    {"tpm.tcti", "The TPM, device:FILE, swtpm:path=SOCKET or swtpm:host=ADDRESS,port=NUMBER."},
    {"tpm.pcrs", "PCRs (bank SHA-256) whose values must be signed by 'policy_key' before what is sealed opens. Empty: sealed objects are not bound to the machine's state."},
    {"tpm.policy_key", "Public half of the key that signs PCR values (PEM, RSA of 2048 bits). Required with 'pcrs'."},
    {"tpm.generations", "Only signatures that name a generation ('cloisterctl pcr-policy sign --generation') count, and none of an older one than the TPM does ('pcr-policy retire'): a signed image that was replaced opens nothing any more. Needs 4 or 11 among 'pcrs', which differ from image to image. What is sealed is bound to it: set it before credentials are made."},
    {"tpm.unchanged_pcrs", "PCRs that must have the values that they had when it was sealed; no signature renews them. 7, for instance, where whoever signs an image does not know the Secure Boot databases of this machine. What is sealed is bound to it: set it before credentials are made."},
    {"tpm.policy_signatures", "The signed values, as 'cloisterctl pcr-policy install' has put them there, or systemd-stub ('/run/systemd/tpm2-pcr-signature.json')."},
    {"introducers.name", "A box whose word about another's key this box's operator takes, for 'bootstrap.vouched.by'."},
    {"introducers.key", "The fingerprint of that box's key, as its operator has read it out."},
    {"links.name", "The link's name, the same on both boxes."},
    {"links.peer", "The name of the box at the other end."},
    {"links.local_address", "This box's address and TCP port of the classical channel."},
    {"links.peer_address", "The peer's. Connections are taken from this address only."},
    {"links.bootstrap.psk", "A pre-shared key, sealed in the TPM, as 'cloisterctl psk' has written it. Alone, or beside 'trust' or 'ca': then both must hold."},
    {"links.bootstrap.trust", "The fingerprint of the peer's key, as its operator has read it out. Needs 'box.identity'."},
    {"links.bootstrap.vouched.by", "The 'introducers' whose vouchers say what the peer's key is, in place of 'trust'. Needs 'box.identity'."},
    {"links.bootstrap.vouched.needed", "How many of them must vouch for one key. Default: all."},
    {"links.bootstrap.vouched.vouchers", "Their vouchers, as 'cloisterctl voucher make' has written them, one of each box. Read at each connection, each hour and at a reload."},
    {"links.bootstrap.ca", "The certificates of the authorities that the peer's certificate may come from (PEM). Read at each connection. Needs 'box.certificate' and 'crl'."},
    {"links.bootstrap.crl", "Their revocation lists (PEM), one of each authority and in date. Read at each connection."},
    {"links.bootstrap.again", "Whether a link that has lost its QKD keys, and the sealed reserve with them, bootstraps again by itself, or only when this box's operator allows it ('cloisterctl link bootstrap'), each time. The first bootstrap of a new link needs no such word."},
    {"links.authentication.policy", "What authenticates blocks once there is QKD key: 'its-only', tags under QKD key that is used once; where the reserve is spent, no new key before a bootstrap. 'its-preferred', the same, and computational tags while the reserve is at its low mark. 'computational', no key is spent on tags. The same on both boxes; each key says what authenticated its block."},
    {"links.authentication.reserve", "QKD key that is set aside, first, for authenticating the classical channel."},
    {"links.device.driver", "What the keys come from: the simulated device, a vendor's library, or finished keys of a KME (ETSI GS QKD 014)."},
    {"links.device.role", "Whether this box transmits or receives; the peer's is the other. Of finished keys: 'alice' has fresh ones made (enc_keys), 'bob' fetches the same (dec_keys)."},
    {"links.device.socket", "Of the simulator: where cloister-fibre listens; a socket, or a character device that leads to one."},
    {"links.device.clock", "Slots a second."},
    {"links.device.meters", "Whether the device must have every meter of its role: of the detectors' current, of when clicks come and of dimmed gates, or of the output power and of returned light. 'required': a vendor's library without one of them is not taken. The simulator has all."},
    {"links.device.quarantine", "How long the watch over this box's device must have found nothing, and have had light to look at, before a block becomes key; until then what it finds discards the block on both boxes. 0s: a block is a key as soon as it is made."},
    {"links.device.plugin.library", "The vendor's library; required with 'driver: plugin', as its 'sha256' is."},
    {"links.device.plugin.sha256", "Its SHA-256, as cloister-hal-check prints it: another file is not loaded."},
    {"links.device.plugin.node", "What is opened for the library: a character device or a local socket. None: nothing is."},
    {"links.device.plugin.host_socket", "Where the library's process is started: cloister-hal.socket."},
    {"links.device.etsi014.url", "Where this box's KME listens; required with 'driver: etsi014', as are the two SAE identifiers, 'ca' and 'certificate'. Its certificate must have this name."},
    {"links.device.etsi014.address", "The KME's IP address where 'url' has a name, which must then be in the certificate: names are not looked up. None: the host of 'url' is the address."},
    {"links.device.etsi014.own_sae", "What the KMEs know this box by (SAE ID): they see it in its certificate."},
    {"links.device.etsi014.peer_sae", "What they know the peer by."},
    {"links.device.etsi014.ca", "The certificates of the authorities that the KME's certificate may come from (PEM). This and the next two are read at each fetch."},
    {"links.device.etsi014.certificate", "The certificate that this box shows the KME, and those up to the root (PEM)."},
    {"links.device.etsi014.key", "Its private key (PEM, without a passphrase). None: that of 'box.identity', which an ECDSA key never leaves the TPM for."},
    {"links.device.etsi014.key_size", "Bits of a key, within what the KMEs give; the same on both boxes."},
    {"links.device.etsi014.block_bits", "Keys are taken by blocks of so many bits, at least, 512 keys at most. A block costs two tags of 128 bits and 128 bits that are compared. Alice's counts."},
    {"links.distillation.block_bits", "Sifted bits of a block, at least. Larger blocks give more key of the same light, and later."},
    {"links.distillation.bound", "The finite-key bound by which a block's secret length is computed."},
    {"links.distillation.epsilon_budget", "How far all keys of the link's life together may be from perfect ones."},
    {"links.distillation.planned_years", "For how long the budget is to last ..."},
    {"links.distillation.planned_blocks_per_second", "... and at how many blocks a second: together they give a block its share."},
    {"links.distillation.qber_limit", "A block with more errors makes no key."},
    {"links.distillation.key_basis_probability", "How often the basis is chosen that gives key; the rest tests for eavesdroppers."},
    {"links.distillation.intensities", "Mean photon numbers of the signal and of one decoy, or two for 'lim2014'; descending."},
    {"links.distillation.probabilities", "How often each of them is sent; they add up to 1."},
    {"tunnels.name", "The tunnel's name, the same on both boxes."},
    {"tunnels.link", "The link whose keys it spends."},
    {"tunnels.routing", "Who leads packets into the tunnel. 'subnets': those from local_subnets to remote_subnets go, and the routes are made. 'kernel': what the kernel's routing table leads into the interface goes, and no route is made: a routing daemon's work, or an operator's. The interface is this tunnel's alone then, and has no carrier while the tunnel has no key. The same on both boxes."},
    {"tunnels.local_subnets", "The networks behind this box that may use the tunnel. With 'routing: kernel': all that are behind it."},
    {"tunnels.remote_subnets", "Those behind the peer. Their packets never leave but through a tunnel. With 'routing: kernel' it is the network within which is routed, all boxes' subnets together: of it, but for what is behind this box, nothing is forwarded but into a tunnel, or out of one. Default there: everything."},
    {"tunnels.addresses", "Addresses of the interface, as 10.255.0.1/30, for routing daemons; an IPv6 link-local one it has by itself. With 'routing: kernel' only. Default: none more."},
    {"tunnels.interface", "The TUN interface. Tunnels of one name share it; their 'mtu' must be the same then. Default: 'cl-' and the tunnel's name."},
    {"tunnels.local_endpoint", "This box's address and UDP port for ESP, and for packets under one-time pads."},
    {"tunnels.peer_endpoint", "The peer's, until an authenticated packet comes from elsewhere."},
    {"tunnels.mtu", "The longest packet that goes into the tunnel, in bytes; less, while the way to the peer takes less."},
    {"tunnels.clamp_mss", "Whether the segment size in a TCP SYN, either way, is lowered to what fits the tunnel as it is now."},
    {"tunnels.fragment_outer", "Whether datagrams that are too long for the way to the peer are cut there, by routers too. false: they carry DF, and who sent what does not fit is told (ICMP), or his packet is cut inside the tunnel. The same for all tunnels of a local_endpoint."},
    {"tunnels.dscp", "The class (DSCP) of the datagrams on the black network. 'copy': that of the packet inside, and its ECN with it (RFC 6040), which then tells who looks on which packets are of which class; the same on both boxes as far as it is 'copy'."},
    {"tunnels.pad_to", "Lengths that packets are padded to, each to the next one, so that who looks on sees few lengths; what is longer than the last stays as it is. Default: none, each packet has its own length."},
    {"tunnels.constant_packets_per_second", "Datagrams that the tunnel sends a second, all of one length, that of the mtu, whether there is traffic or not; so who looks on sees neither lengths nor times nor rates of what is inside. What is more than they carry is dropped and counted. Not with 'cipher: one-time-pad'. The same on both boxes. Default: a datagram for each packet, when it comes."},
    {"tunnels.cipher", "What its packets go under. 'aes-256-gcm': keys that change. 'one-time-pad': bits of the blocks as they are, each used once, for text and tags; of blocks that QKD keys have authenticated only, so not with 'authentication.policy: computational' or 'driver: etsi014'. As fast as key is made, no faster. The same on both boxes."},
    {"tunnels.pad", "With 'cipher: one-time-pad': how much pad is kept ready, for each direction, half of it in an SA, half in the stock. A packet takes 16 bytes and its length, rounded up to 64, 128, 256, 512, 1024, 1440 or 1920. The same on both boxes."},
    {"tunnels.rekey_interval", "How long a key is used before the next is made. The first key after a start or a gap is used for less, at random, so that tunnels that came up together do not rekey together."},
    {"tunnels.key_lifetime", "The age at which a key ends, also where no new one is there. Default: three rekey intervals."},
    {"tunnels.stock", "How many keys are kept ready, at most."},
    {"tunnels.rekey_bytes", "... or until so much was sent under it. Default: however much."},
    {"tunnels.rekey_packets", "... or so many packets. Default: however many."},
    {"tunnels.when_keys_run_out", "What happens when no key is left at the last one's end. 'block': the tunnel carries nothing. 'pqc': keys of an exchange, X25519 and ML-KEM-768, on the link's authenticated channel; without that, nothing. Or a map with 'extend'. The same on both boxes; each but 'block' raises an alarm until there is a key again."},
    {"tunnels.when_keys_run_out.extend.for", "For how long beyond its lifetime the last key is used on, for 2^32 packets at most; then the tunnel carries nothing."},
    {"tunnels.hybrid", "Whether an ML-KEM-768 secret is mixed into each key."},
    {"alarms.keys_left_below", "KEYS_LOW is raised where stock and living key of a tunnel last less than this, until they last twice as long. It begins once they have; a tunnel whose full stock lasts less is not watched. 0s: no such alarm."},
    {"alarms.qber_above", "QBER_NEAR_LIMIT is raised where a block's QBER is above this part of the link's 'qber_limit'; at the limit itself blocks are dropped, whatever stands here."},
    {"alarms.light_below", "LIGHT_LOST is raised where the rate of detections is below this part of what is usual."},
    {"alarms.after", "For how long that must be so, for each of the three, before it is an alarm."},
    {"alarms.ignore", "Alarms that call for nobody: no warnings in the journal, only information; marked as ignored where alarms that stand are shown, without an exit status of 'cloisterctl alarm'. Events and audit log have them as before. DEVICE_LOST, EPSILON_LOW, KEYS_LOW, LIGHT_LOST, PEER_SILENT, PEER_UNREACHABLE, QBER_NEAR_LIMIT, SEALED_RESERVE_SPENT, TUNNEL_BLOCKED and TUNNEL_REKEY_LATE may stand here; no alarm that may tell of an attack."},
    {"logging.level", "What goes to the journal; the audit log has every event."},
    {"logging.audit_file_size", "At which size a file of the audit log is put away and the next begun."},
    {"logging.audit_files", "How many files of the audit log are kept, with the one that is written. An alarm that nobody has acknowledged is remembered as far as they reach back."},
});
// clang-format on

}  // namespace

std::span<const Meaning> meanings() { return table; }

std::string_view meaning_of(std::string_view path) {
  std::string key{path};
  for (auto bracket = key.find('['); bracket != std::string::npos; bracket = key.find('['))
    key.erase(bracket, key.find(']', bracket) + 1 - bracket);
  const auto* found = std::ranges::find(table, key, &Meaning::key);
  return found == table.end() ? std::string_view{} : found->meaning;
}

}  // namespace cloister::config
