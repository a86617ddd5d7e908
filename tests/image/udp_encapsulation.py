"""Tells the kernel that what comes to UDP port 4500 is ESP (udp(7), UDP_ENCAP), as long as this runs: it has no command for that."""

import signal
import socket

UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2

sockets = []
for family in (socket.AF_INET, socket.AF_INET6):
    made = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind(("", 4500))
    made.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
    sockets.append(made)
signal.pause()
