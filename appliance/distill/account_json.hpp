#pragma once
/// Accounts as JSON: what `cloisterctl account` reads and prints, and what the log holds. Numbers have 17 digits, so that
/// they are read back as they were.

#include <boost/json/value.hpp>
#include <string>

#include "appliance/distill/account.hpp"

namespace cloister::distill {

/// Every member must be there and make sense; others are passed over, so that a line of the log can be read too.
[[nodiscard]] Result<Observation> read_observation(const boost::json::value& value);

/// One line: the length and every bound that led to it.
[[nodiscard]] std::string to_json(const Bounds& bounds);

/// The members of an object, without its braces: what `read_observation` reads, what it led to, what leaked by whom; and
/// error rates and efficiency, null where they are not known.
[[nodiscard]] std::string json_members(const Account& account);

}  // namespace cloister::distill
