// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a kernel to load: which parameters of the running kernel are reused, and which a
// capture kernel needs in addition.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

// Parameters of a command line, split as the kernel does (lib/cmdline.c): at white space outside of double
// quotes.
std::vector<std::string> split_parameters(std::string_view command_line);
// The part before '=', with '-' as '_', which are the same to the kernel (kernel/params.c).
std::string parameter_name(std::string_view parameter);

struct ParameterRule {
  std::string_view name;  // to remove: a name, "prefix*"; to add: the parameter, maybe with a value
  std::string_view reason;
};
// The tables, for documentation and tests.
std::span<const ParameterRule> parameters_not_reused();       // by no kernel
std::span<const ParameterRule> parameters_not_for_capture();  // nor by a capture kernel
std::span<const ParameterRule> parameters_for_capture();      // added for a capture kernel

struct CommandLineParts {
  // A running kernel's command line that is to be used again; empty: none.
  std::string_view reused;
  // The user's parameters: kept as they are, behind the rest; the table does not add a parameter given here.
  std::string_view append;
  // Names of parameters of `reused` that are left out as well.
  std::span<const std::string> remove = {};
  // The running kernel encrypts its memory (memory_encryption.h): a capture kernel keeps the owner's
  // swiotlb=. One with "force" is kept always: it is for devices that cannot do without.
  bool memory_encrypted = false;
  // Of a capture kernel: how many CPUs it may use, and what LoadArchitecture::boot_cpu_parameter() gives, for
  // one that uses several. The user's parameters of these names take precedence.
  unsigned cpus = 1;
  std::string_view boot_cpu = {};
};

// For a capture kernel: reused less both tables, then the additions that the user did not give, then append.
std::string crash_command_line(const CommandLineParts& parts);
// The same with nothing added, and with the arguments of init kept, like --reuse-cmdline of kexec(8): its
// users give all that the capture kernel needs with --append, and may start the running system's init in it.
std::string bare_crash_command_line(const CommandLineParts& parts);
// For a normal kexec: reused less what no kernel reuses, then append. What of `reused` repeats a parameter of
// `append` exactly is left out, so that a line that is reused at every reboot does not grow.
std::string normal_command_line(const CommandLineParts& parts);

// How many CPUs a kernel with this command line may start: by nr_cpus=, maxcpus= and nosmp (kernel/smp.c).
// nullopt: as many as there are.
std::optional<unsigned> cpu_limit(std::string_view command_line);

// The root= of this command line if a kernel without an initramfs cannot find that file system: it knows
// devices by their kernel names and by the UUID and label of a partition, but not by what is in them
// (block/early-lookup.c), and no volume that a program sets up. Empty: it can, or there is no root=.
std::string root_for_initramfs(std::string_view command_line);

}  // namespace lifeboat
