#pragma once
/// The whole service, made from its configuration: data plane, links, control socket. Everything that can be found
/// wrong at the start is, before anything runs.

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "appliance/box/event_log.hpp"
#include "appliance/box/link_driver.hpp"
#include "appliance/control/server.hpp"
#include "appliance/drivers/data_plane.hpp"
#include "config/model.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

class Box {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Box>> open(boost::asio::io_context& io,
                                                         const config::Configuration& configuration);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  /// The service is about to end in good order.
  void on_stop();

 private:
  Box() = default;
  [[nodiscard]] control::BoxStatus status() const;

  std::string name_;
  EventLog log_;
  std::unique_ptr<drivers::DataPlane> plane_;
  std::vector<std::unique_ptr<LinkDriver>> links_;
  std::unique_ptr<control::Server> control_;
};

}  // namespace cloister::box
