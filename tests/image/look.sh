# What runs in the appliance, and how the kernel holds it: read by a shell that the test brings along, since the image has none. Words of a
# line are separated by blanks; the test (inside) knows what each line begins with.

# What is under /proc/sys ends without an end of line for who reads by the byte.
first() { line=; read -r line < "$1" || :; printf '%s' "$line"; }

for process in /proc/[0-9]*; do
  name= uid= capabilities= size= seccomp= privileges= unit=
  while read -r key value rest; do
    case $key in
      Name:) name=$value ;;
      Uid:) uid=$value ;;
      CapEff:) capabilities=$value ;;
      VmSize:) size=$value ;;
      Seccomp:) seccomp=$value ;;
      NoNewPrivs:) privileges=$value ;;
    esac
  done 2> /dev/null < "$process/status" || continue
  [ -n "$size" ] || continue # the kernel's own
  unit=$(first "$process/cgroup")
  unit=${unit%.service*}
  echo "process $name $uid $capabilities $seccomp $privileges ${unit##*/}"
done

for file in /sys/kernel/security/lockdown /sys/module/module/parameters/sig_enforce /sys/class/watchdog/watchdog0/state \
  /proc/sys/kernel/core_pattern /proc/sys/kernel/unprivileged_bpf_disabled /proc/sys/kernel/kexec_load_disabled /proc/sys/kernel/io_uring_disabled \
  /proc/sys/kernel/yama/ptrace_scope /proc/sys/fs/suid_dumpable; do
  echo "fact $file $(first "$file")"
done

while read -r line; do echo "swap $line"; done < /proc/swaps
while read -r line; do echo "mount $line"; done < /proc/mounts
for protocol in tcp tcp6 udp udp6 raw raw6; do
  while read -r line; do echo "socket $protocol $line"; done < "/proc/net/$protocol"
done
[ -d /var/log/journal ] && echo "journal persistent"
systemd-analyze security --no-pager | while read -r line; do echo "exposure $line"; done
echo "end"
