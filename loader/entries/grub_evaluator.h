// SPDX-License-Identifier: GPL-2.0-or-later
// Evaluates a grub.cfg as GRUB does when no key is pressed: the script, the menu that it makes, the default
// entry, and what that one loads. Changes nothing: save_env, for one, has no effect.
//
// What cannot be known here (the answer of the firmware, a file on another machine's disk) is a value that is
// unknown (grub_value.h), or a question with two answers. The caller evaluates the file for each combination
// of answers: where all lead to the same kernel, the questions do not matter.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loader/entries/boot_files.h"
#include "loader/entries/grub_default.h"
#include "loader/entries/grub_environment.h"
#include "loader/entries/grub_test.h"

namespace lifeboat::grub {

// The answers of one evaluation to the questions that cannot be decided.
class Answers {
 public:
  // The same question has the same answer throughout an evaluation.
  bool ask(const std::string& question);
  // Sets out for the next combination; false: all were tried.
  bool next();
  // Of this evaluation.
  [[nodiscard]] std::vector<std::string> questions() const;
  // More questions than can be tried: the rest got the answer "no".
  [[nodiscard]] bool too_many() const { return too_many_; }

 private:
  std::vector<std::pair<std::string, bool>> answers_;
  size_t used_ = 0;
  bool too_many_ = false;
};

// What an entry, or the script itself, has loaded.
struct Loaded {
  std::string kernel;  // a path on this machine
  std::vector<std::string> initramfs;
  std::string command_line;  // as GRUB passes it, without BOOT_IMAGE=
  bool chainloaded = false;  // by its path, as a program of the firmware
  std::vector<std::string> unset;
};

struct Booted {
  std::string title;  // "SUBMENU>TITLE" of an entry in a submenu; empty: no menu was needed
  std::string id;
  std::string where;  // "/boot/grub/grub.cfg:120", or the file of a BLS entry
  Loaded loaded;
};

struct ConfigurationFile {
  std::string file;
  std::optional<std::string> text = {};  // instead of what the file has
};

struct MachineFacts {
  bool efi = false;
};

class Evaluator {
 public:
  Evaluator(const BootFiles& files, ConfigurationFile config, MachineFacts facts, Answers& answers,
            Budget& budget);

  // `unsupported` or `corrupt`, with file and line, for what is not understood; `corrupt` also when GRUB
  // would boot nothing. Call it once.
  Result<Booted> run();
  // What is to be reported besides, a line each: a default that is not in the menu, commands that are not
  // known.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  enum class Status { success, failure, unknown };
  enum class Flow { normal, returned, ended };
  using Arguments = std::vector<std::string>;
  using BlockPointer = std::shared_ptr<const Block>;
  using Handler = Result<Status> (Evaluator::*)(const Arguments&);

  struct MenuEntry {
    EntryName name;
    std::string file;
    unsigned line = 0;
    bool submenu = false;
    Arguments parameters;
    BlockPointer body;
    std::string broken;              // why it cannot be executed
    std::vector<std::string> unset;  // as BlsEntry has them
  };
  struct Place {
    BootDevice device;
    std::optional<std::string> folder;  // the path is below this one of the machine
    std::string path;
  };
  struct FunctionBody {
    std::string file;
    BlockPointer body;
  };

  // --- grub_evaluator.cpp: the language
  // One level deeper; whoever enters decrements depth_.
  Result<> enter();
  Result<Status> run_block(const Block& block);
  Result<Status> run_command(const Command& command);
  Result<Status> run_branches(const Command& command);
  Result<Status> run_for(const Command& command);
  Result<Status> run_loop(const Command& command);
  Result<Status> run_simple(const Command& command);
  Result<Status> dispatch(Arguments words, const BlockPointer& block, unsigned line);
  Result<Status> call(const FunctionBody& function, const Arguments& arguments);
  Result<Status> run_file(const std::string& path);
  Result<Status> run_text(std::string_view text, const std::string& name);
  Result<bool> is_true(const Block& condition);
  Result<> set_status(Status status);

  Result<> load_environment();

  // --- grub_menu.cpp: the menu
  Result<Status> add_entry(const Arguments& words, const BlockPointer& block);
  Result<std::optional<Booted>> run_menu(const std::string& above);
  Result<size_t> default_index(const std::vector<MenuEntry>& menu);
  Result<std::optional<Booted>> run_fallback(const std::vector<MenuEntry>& menu, size_t failed,
                                             const std::string& above);
  Result<std::optional<Booted>> run_entry(const MenuEntry& entry, const std::string& above);
  Result<std::optional<Booted>> run_submenu(const MenuEntry& entry, const std::string& title);
  Result<std::optional<Booted>> booted(const MenuEntry& entry, const std::string& title);

  // --- grub_commands.cpp
  static const std::map<std::string, Handler, std::less<>>& commands();
  Result<Status> do_test(const Arguments& words);
  Result<Status> do_true(const Arguments& words);
  Result<Status> do_false(const Arguments& words);
  Result<Status> do_nothing(const Arguments& words);
  Result<Status> do_set(const Arguments& words);
  Result<Status> do_unset(const Arguments& words);
  Result<Status> do_export(const Arguments& words);
  Result<Status> do_count(const Arguments& words);
  Result<Status> do_load_env(const Arguments& words);
  Result<Status> do_set_unknown(const Arguments& words);
  Result<Status> do_eval(const Arguments& words);
  Result<Status> do_source(const Arguments& words);
  Result<Status> do_configfile(const Arguments& words);
  Result<Status> do_shift(const Arguments& words);
  Result<Status> do_setparams(const Arguments& words);
  Result<Status> do_return(const Arguments& words);
  Result<Status> do_break(const Arguments& words);
  Result<Status> do_unsupported(const Arguments& words);

  // --- grub_load_commands.cpp: what finds and loads files
  Result<Status> do_search(const Arguments& words);
  Result<Status> do_linux(const Arguments& words);
  Result<Status> do_initrd(const Arguments& words);
  Result<Status> do_chainloader(const Arguments& words);
  Result<Status> do_devicetree(const Arguments& words);
  Result<Status> do_foreign(const Arguments& words);
  Result<Status> do_fwsetup(const Arguments& words);
  Result<Status> do_boot(const Arguments& words);
  Result<Status> do_blscfg(const Arguments& words);
  [[nodiscard]] Place place_of(std::string_view path) const;
  [[nodiscard]] BootDevice device_of(std::string_view name) const;
  Result<std::string> find(const std::string& path, BootFiles::What what = BootFiles::What::file);
  Truth test_file(char test, const std::string& path);

  [[nodiscard]] std::string here() const { return file_ + ":" + std::to_string(line_); }
  [[nodiscard]] static std::string root_device();
  [[nodiscard]] std::string folder_device(const std::string& folder);
  [[nodiscard]] DefaultRule rule() const {
    return uses_blscfg_ ? DefaultRule::name_first : DefaultRule::number_first;
  }
  Result<Status> problem(const std::string& reason);
  void note(std::string text);

  const BootFiles& files_;
  std::string config_;
  std::optional<std::string> text_;
  MachineFacts facts_;
  Answers& answers_;
  Budget& budget_;

  Environment environment_;
  std::map<std::string, FunctionBody, std::less<>> functions_;
  std::vector<MenuEntry> menu_;
  std::vector<std::string> folders_;  // that prefix and config_directory name
  std::vector<std::string> notes_;
  std::vector<std::string> problems_;  // why an entry cannot be booted
  std::optional<Loaded> loaded_;
  std::string foreign_;                  // what is loaded instead of a kernel: "chainloader +1"
  std::optional<Booted> booted_;         // by a configuration that a command has entered
  std::vector<std::string> last_unset_;  // of the command that runs
  std::string uncertain_;                // the command whose status was not known last
  std::string file_;
  unsigned line_ = 0;
  unsigned depth_ = 0;
  unsigned calls_ = 0;      // functions and entries that are being run
  unsigned loops_ = 0;      // that are being run, of this function
  unsigned breaks_ = 0;     // how many of them are to be left
  bool continues_ = false;  // the outermost of these goes on
  Flow flow_ = Flow::normal;
  bool uses_blscfg_ = false;
};

}  // namespace lifeboat::grub
