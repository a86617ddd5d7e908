#pragma once
/// The fibre process's one thread: waits for its two listening sockets, the ends, the panel's clients and the next
/// frame.

#include <memory>
#include <string>
#include <vector>

#include "hal/fibre/control.hpp"
#include "hal/fibre/station.hpp"
#include "hal/simulator/local_socket.hpp"

namespace cloister::hal::fibre {

struct ServerOptions {
  std::string socket_path;
  std::string control_path;
  LinkParameters link;
  std::uint64_t dice_seed = 0;
  Epoch first_epoch = 1;
};

class Server {
 public:
  /// Checks the link's numbers and binds both sockets.
  [[nodiscard]] static Result<Server> open(const ServerOptions& options);
  /// Serves until `stop_descriptor` is readable.
  [[nodiscard]] Result<> run(int stop_descriptor);

 private:
  struct PanelClient {
    simulator::FileDescriptor socket;
    std::string line;
  };
  Server(simulator::LocalListener fibre, simulator::LocalListener control, const ServerOptions& options);
  void accept_ends(Instant now);
  void accept_panel_clients();
  /// False when the client is to be dropped.
  [[nodiscard]] bool serve(PanelClient& client);

  simulator::LocalListener fibre_;
  simulator::LocalListener control_;
  std::unique_ptr<Station> station_;
  std::vector<PanelClient> panel_clients_;
};

}  // namespace cloister::hal::fibre
