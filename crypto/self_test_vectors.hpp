#pragma once
/// Known answers of the self-tests, as hexadecimal digits, each with its source.

#include <string_view>

namespace cloister::crypto::known {

/// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
inline constexpr std::string_view gcm_key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
inline constexpr std::string_view gcm_nonce = "cafebabefacedbaddecaf888";
inline constexpr std::string_view gcm_associated = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
inline constexpr std::string_view gcm_plaintext =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
    "ba637b39";
inline constexpr std::string_view gcm_sealed =
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
    "bcc9f66276fc6ece0f4e1768cddf8853bb2d551b";

/// The same, test case 2: H, the one block, the block of lengths, GHASH.
inline constexpr std::string_view ghash_key = "66e94bd4ef8a2c3b884cfa59ca342b2e";
inline constexpr std::string_view ghash_block = "0388dace60b6a392f328c2b971b2fe78";
inline constexpr std::string_view ghash_lengths = "00000000000000000000000000000080";
inline constexpr std::string_view ghash_value = "f38cbb1ad69223dcc3457ae5b6b0f885";

/// FIPS 180-4: of "abc".
inline constexpr std::string_view sha256_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// RFC 7693, appendix A: of "abc".
inline constexpr std::string_view blake2b_abc =
    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925a"
    "b92386edd4009923";
/// RFC 4231, test case 2.
inline constexpr std::string_view hmac_key = "4a656665";
inline constexpr std::string_view hmac_text = "7768617420646f2079612077616e7420666f72206e6f7468696e673f";
inline constexpr std::string_view hmac_value = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
/// Wycheproof, hkdf_sha512_test.json, test 70.
inline constexpr std::string_view hkdf_input =
    "9fb35c09d3efebdfe522d4875d9adac74ee7eb7b845432f1cb28a9c9a48ffe63bfea2fab94106d96eff39629cf57ef5e7c3e94fb95ff8057"
    "f0894c1f352806cd";
inline constexpr std::string_view hkdf_salt =
    "100d0324664c4c02443fc97e5186e38a256133e825398d387fd6138acc8b47833f660f52c960b74bfeb30c38fba4b6e426c17dbef9d45e58"
    "2ef2857afba229ae";
inline constexpr std::string_view hkdf_info = "e7bd97cdac7d9e6b";
inline constexpr std::string_view hkdf_output =
    "a50e6839375e2a7eabc5a3610a12225b4e1d6a1cc0b4f600a528cd26ef5fee12336e39c57a001620c8e4cb9414316b11f11861c314c3acef"
    "48251867a2327c9d";
/// Bernstein, "ChaCha, a variant of Salsa20": the stream of an all-zero key and nonce (draft-agl-tls-chacha20poly1305-04,
/// section 7).
inline constexpr std::string_view chacha20_stream =
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11c"
    "c387b669b2ee6586";

/// RFC 9881, appendix C: the public key of the seed 00 01 … 1f, its first and last 32 bytes.
inline constexpr std::string_view ml_dsa_first = "48683d91978e31eb3dddb8b0473482d2b88a5f625949fd8f58a561e696bd4c27";
inline constexpr std::string_view ml_dsa_last = "ad18bd13fca55059dd9b185f79f9c47196a4e81b2104bc460a051e02f2e8444f";

/// Wycheproof, mlkem_768_test.json, test 1: seed, the public key's first and last 32 bytes, ciphertext, secret.
inline constexpr std::string_view ml_kem_seed =
    "cbfc4405d1b2a3a386c94c25e0f2d5f5ee92cb0388ff4d6aa04223086d51c3fd"
    "24752da14c9fc3b8ae0d9e4a8b1016b8d8fc69e229c03ea2ef08a4ae0cffc37f";
inline constexpr std::string_view ml_kem_first = "8b9a7354e8c1c17a9898f96caf99bba1c625ae0983c4d26e60c12f59bc25d756";
inline constexpr std::string_view ml_kem_last = "486a6822b9bbf59fbfcaedc13284b9813cabdd526e326a6832d3b36efc3102ef";
inline constexpr std::string_view ml_kem_ciphertext =
    "00e96c44eb5f5380d80b4cb05d608971a28fbe838b912b558bf9676c6c67c9692ed6ea063fc47b70d5d6004825c269b9cb8e68b5728d67f4"
    "4844d97686a11154e3cbd4a6f9e47524d93d851bdce480d7762ded09be53d17cce3ee28dc5a06911c062b99b218355dd5822108c55e2c67f"
    "7ea0b74b6189b33b4589d8ff9d0c867d13edaaf1c5f724675320beda3e6acc673c048fa04a1b30f899227d5a555e08a412a47b7db75eb118"
    "a8844a71b186880426f6bb6e77186d18e753cbcce93c9fb76c729875b4d473eeca8dab9941969faef04df9ce3178e7341eab416d28bb7aee"
    "12bfb8f4c3df814eff45a0187329079acfc41a8e8dba7b08d111f02e37a1d2b69e57eef808fcc6ae23385534a420a93dfb6a95c73e2f1016"
    "177c4fe9d3ced769e277293aaceded6d07efc7890eaa885bd1e73f9e5da2b9cfda0d44cbc9090705ac2ce3e7bcd7775b593c706e45ddc97d"
    "3a65d9b7e73673f9473df5bfec689671f73e7f6ee77c730a8ebda1f0b2c112a71904d6f28a51d8d479f8323fb485e722f5c4d5857e95989a"
    "9cbaf273efd04fc3cbde98baa9969e095e88accecfbd12ef2155497a5b15fe91a70d1106b91a568363bfc2d6736cc8138cbc41ddf1e54fd4"
    "0511e27d89e2c26c027b63c156e2bbb998faaed3d72186f0cc626dad39a782dcda2087fd13a9498e10b41b685646a227ea1166a5632c1959"
    "83f4aba2b718b4074030d57126d34c38349892007acbea9e393b967dc3146b270f080a1f0bee90d65a095a6352a7718ed1717a8025a2bd38"
    "c66d120baf4247676a1fe044a57ce268c078f8ff46cc26fe4f9c7a03d6467adacb8418d26273662bce1f7bc00b906e0088e95dc0fb419e22"
    "32e85aac77b9e7cd563e604de5e1d3e9693dcd3b19865cf4250773691e7e0af9c2755cd31f49d1f96708f3ba2f0b98184525abb869e12d5c"
    "ea0ac1740181a875035300b05a54b8d42ee3b4ae92b06e43cd807e2b096c977f23c61ef8c989c52ed83754076dea1323f639250bef61bdf9"
    "03bf7961cec89ba6942d9d0647ac9c8195d93ed8abcedf25754644035719a5a0a1c8c0798912726a9a8258e4c10ae7485322ed9ba331f6f0"
    "90c4b492a4fcf53d753cd34f28ec0443fce0724f43c89a3942169d5099a8f7430f38691ebce2e3fe4f600d82c7ccedf60673f8e5d4c1a9f8"
    "4b8b5b23f5ed63defb6a7205e0a8b105bdc6ff4568fc78cb4456b02fedb7f4c48f6fd6b69216a3319821039db40e19a31a0b0c9d471d5a7a"
    "73865d26f8be3595525b1ec4a8579efd07ea98e2602e2bffdfd8febc5c7b4c736d326b5030ccc6faf9420a9c156a8f4516b9fff675459dfd"
    "cd4ef85d7adbdffd60f4a39628e399cc752c2e99ab2f431dc765e7c9d206bfe32649fbef4ef48b1d7936fc74766d724350ee2245a8d5f23f"
    "bc6c7ed8b57168ce1e864e49d7f8c475dcda140bd42473825b3c72eb8c54780188813011e1962a503f9b516e13226de6375b204733b01921"
    "83c8f55e870e61cf8947c3191790bc0b657bc43aebc9d86c";
inline constexpr std::string_view ml_kem_secret = "76c10bb1d86d96d7eb18e298363e51f7728e113f455df7d15017940ed3541451";

/// RFC 7748, 6.1: Alice's private key, both public keys, the secret.
inline constexpr std::string_view x25519_private = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
inline constexpr std::string_view x25519_public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
inline constexpr std::string_view x25519_peer = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
inline constexpr std::string_view x25519_secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

}  // namespace cloister::crypto::known
