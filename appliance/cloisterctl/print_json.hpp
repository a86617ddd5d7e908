#pragma once
/// What a program reads of something that Boost.Describe knows: one line of JSON on standard output.

#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <iostream>

namespace cloister::cloisterctl {

template <class Described>
void print_json(const Described& value) {
  std::cout << boost::json::serialize(boost::json::value_from(value)) << '\n';
}

}  // namespace cloister::cloisterctl
