// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/grub_evaluator.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "src/base/file.h"

namespace lifeboat::grub {
namespace {

// As deep as GRUB itself evaluates.
constexpr unsigned kMaxDepth = 64;
// What a command costs besides the text that it makes.
constexpr uint64_t kCommandCost = 256;
constexpr size_t kMaxNotes = 50;
// Each doubles the evaluations.
constexpr size_t kMaxQuestions = 64;

// Set by GRUB when it starts. Scripts ask for these to support versions that do not have them.
constexpr const char* kFeatures[] = {"feature_chainloader_bpb",      "feature_ntldr",
                                     "feature_platform_search_hint", "feature_default_font_path",
                                     "feature_all_video_module",     "feature_menuentry_id",
                                     "feature_menuentry_options",    "feature_200_final",
                                     "feature_nativedisk_cmd",       "feature_timeout_style"};
// Of these too, but with a value that only GRUB knows.
constexpr const char* kUnknownVariables[] = {"grub_cpu", "cmdpath", "shim_lock", "lockdown"};

// Whether a command of the script, at any depth, is `name`.
bool uses_command(const Block& block, std::string_view name) {
  return std::ranges::any_of(block, [&](const Command& command) {
    if (command.kind == Command::Kind::simple && !command.words.empty() &&
        command.words.front().size() == 1 && command.words.front().front().text == name)
      return true;
    if (command.block && uses_command(*command.block, name)) return true;
    return std::ranges::any_of(command.branches, [&](const Branch& branch) {
      return (branch.condition && uses_command(*branch.condition, name)) ||
             (branch.body && uses_command(*branch.body, name));
    });
  });
}

// What grub-mkconfig writes at the beginning of every grub.cfg, in short.
constexpr std::string_view kUsualBeginning =
    "load_env\n"
    "if [ \"${next_entry}\" ]; then set default=\"${next_entry}\"\n"
    "elif [ \"${saved_entry}\" ]; then set default=\"${saved_entry}\"\n"
    "fi\n";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + shown(word);
  return text;
}

}  // namespace

bool Answers::ask(const std::string& question) {
  for (size_t i = 0; i < used_; ++i)
    if (answers_[i].first == question) return answers_[i].second;
  if (used_ >= kMaxQuestions) {
    too_many_ = true;
    return false;
  }
  if (used_ == answers_.size()) answers_.emplace_back(question, false);
  return answers_[used_++].second;
}

bool Answers::next() {
  answers_.resize(used_);
  while (!answers_.empty() && answers_.back().second) answers_.pop_back();
  used_ = 0;
  if (answers_.empty()) return false;
  answers_.back().second = true;
  return true;
}

std::vector<std::string> Answers::questions() const {
  std::vector<std::string> questions;
  for (size_t i = 0; i < used_; ++i) questions.push_back(answers_[i].first);
  return questions;
}

Evaluator::Evaluator(const BootFiles& files, ConfigurationFile config, MachineFacts facts, Answers& answers,
                     Budget& budget)
    : files_(files),
      config_(std::move(config.file)),
      text_(std::move(config.text)),
      facts_(facts),
      answers_(answers),
      budget_(budget) {}

Result<Booted> Evaluator::run() {
  const std::string folder = folder_device(std::filesystem::path(config_).parent_path().string());
  const auto start = [&](const std::string& name, std::string value) -> Result<> {
    TRY_VOID(environment_.set(name, std::move(value)));
    environment_.export_name(name);
    return {};
  };
  for (const char* name : kFeatures) TRY_VOID(start(name, "y"));
  for (const char* name : kUnknownVariables) TRY_VOID(start(name, unknown_value("$" + std::string(name))));
  TRY_VOID(start("grub_platform", facts_.efi ? "efi" : "pc"));
  TRY_VOID(start("root", root_device()));
  TRY_VOID(start("prefix", folder));
  TRY_VOID(start("config_directory", folder));
  TRY_VOID(start("config_file", folder + "/grub.cfg"));

  // Of every file that grub-mkconfig makes, also where a script of its own has no header with it.
  TRY_VOID(start("menuentry_id_option", "--id"));

  const std::string text = text_ ? *text_ : TRY(read_text(config_, kLargestScript));
  const auto script = TRY(parse_script(text, config_));
  if (!uses_command(*script, "load_env")) TRY_VOID(load_environment());
  TRY_VOID(run_text(text, config_));
  if (booted_) return *std::move(booted_);
  if (flow_ == Flow::ended) {
    const MenuEntry none{
        .name = {}, .file = file_, .line = line_, .parameters = {}, .body = {}, .broken = {}, .unset = {}};
    if (auto direct = TRY(booted(none, ""))) return *std::move(direct);
  }
  if (menu_.empty()) return fail(ErrorCode::not_found, "{} has no menu entry", config_);
  if (auto chosen = TRY(run_menu(""))) return *std::move(chosen);
  std::string reasons;
  for (const auto& reason : problems_) reasons += (reasons.empty() ? "" : "; ") + reason;
  return fail(ErrorCode::corrupt, "GRUB would boot nothing by {}: {}", config_, reasons);
}

// grub-set-default and grub-reboot write to the environment block; a script without load_env does not see it.
// Whoever uses them expects that it counts, so it does, and that is said.
Result<> Evaluator::load_environment() {
  file_ = config_;
  TRY_VOID(run_text(kUsualBeginning, config_));
  const bool counts = std::ranges::any_of(std::array{"next_entry", "saved_entry", "kernelopts"},
                                          [&](const char* name) { return !environment_.get(name).empty(); });
  if (counts && !text_)
    note(fmt::format("{} has no load_env: the environment block is used as if it had", config_));
  return {};
}

void Evaluator::note(std::string text) {
  if (notes_.size() < kMaxNotes && std::ranges::find(notes_, text) == notes_.end())
    notes_.push_back(std::move(text));
}

Result<Evaluator::Status> Evaluator::problem(const std::string& reason) {
  if (problems_.size() < kMaxNotes) problems_.push_back(fmt::format("{}: {}", here(), reason));
  return Status::failure;
}

Result<> Evaluator::set_status(Status status) {
  std::string value = status == Status::success ? "0" : "1";
  if (status == Status::unknown) value = unknown_value("the status of " + uncertain_);
  return environment_.set("?", std::move(value));
}

Result<> Evaluator::enter() {
  if (depth_ >= kMaxDepth) return fail(ErrorCode::unsupported, "{}: commands are nested too deeply", here());
  ++depth_;
  return {};
}

Result<Evaluator::Status> Evaluator::run_block(const Block& block) {
  Status status = Status::success;
  for (const auto& command : block) {
    if (breaks_ > 0) break;
    status = TRY(run_command(command));
    if (flow_ != Flow::normal) break;
  }
  return status;
}

Result<Evaluator::Status> Evaluator::run_command(const Command& command) {
  line_ = command.line;
  TRY_VOID(budget_.spend(kCommandCost));
  TRY_VOID(enter());
  const auto run = [&]() -> Result<Status> {
    switch (command.kind) {
      case Command::Kind::branches:
        return run_branches(command);
      case Command::Kind::for_each:
        return run_for(command);
      case Command::Kind::loop:
        return run_loop(command);
      case Command::Kind::function:
        functions_.insert_or_assign(command.name, FunctionBody{.file = file_, .body = command.block});
        return Status::success;
      case Command::Kind::simple:
        break;
    }
    return run_simple(command);
  };
  const Status status = TRY(run());
  --depth_;
  TRY_VOID(set_status(status));
  return status;
}

Result<bool> Evaluator::is_true(const Block& condition) {
  const Status status = TRY(run_block(condition));
  if (status != Status::unknown) return status == Status::success;
  return answers_.ask(uncertain_);
}

Result<Evaluator::Status> Evaluator::run_branches(const Command& command) {
  for (const auto& branch : command.branches) {
    const bool taken = !branch.condition || TRY(is_true(*branch.condition));
    if (flow_ != Flow::normal) return Status::success;
    if (taken) return run_block(*branch.body);
  }
  return Status::success;
}

Result<Evaluator::Status> Evaluator::run_for(const Command& command) {
  const auto values = TRY(expand(command.words, environment_, budget_)).words;
  Status status = Status::success;
  ++loops_;
  for (const auto& value : values) {
    if (breaks_ == 1 && continues_) breaks_ = 0;
    if (breaks_ > 0) break;
    TRY_VOID(environment_.set(command.name, value));
    status = TRY(run_block(*command.block));
    if (flow_ != Flow::normal) break;
  }
  if (breaks_ > 0) --breaks_;
  --loops_;
  return status;
}

Result<Evaluator::Status> Evaluator::run_loop(const Command& command) {
  const Branch& loop = command.branches.front();
  Status status = Status::success;
  ++loops_;
  // The budget ends a loop that does not end itself.
  while (flow_ == Flow::normal && breaks_ == 0) {
    if (TRY(is_true(*loop.condition)) == command.until || flow_ != Flow::normal) break;
    status = TRY(run_block(*loop.body));
    if (breaks_ == 1 && continues_) breaks_ = 0;
  }
  if (breaks_ > 0) --breaks_;
  --loops_;
  return status;
}

Result<Evaluator::Status> Evaluator::run_simple(const Command& command) {
  Expanded expanded = TRY(expand(command.words, environment_, budget_));
  if (expanded.words.empty()) return Status::success;
  const bool inverted = expanded.words.front() == "!" && expanded.words.size() > 1;
  if (inverted) expanded.words.erase(expanded.words.begin());
  last_unset_ = std::move(expanded.unset);
  const Status status = TRY(dispatch(std::move(expanded.words), command.block, command.line));
  if (!inverted || status == Status::unknown) return status;
  return status == Status::success ? Status::failure : Status::success;
}

Result<Evaluator::Status> Evaluator::dispatch(Arguments words, const BlockPointer& block, unsigned line) {
  const std::string where = here();
  const std::string name = words.front();
  const std::string text = joined(words);
  const auto describe = [&](Result<Status> status) {
    if (status && *status == Status::unknown) uncertain_ = fmt::format("{}: {}", where, text);
    return status;
  };
  if (name == "menuentry" || name == "submenu") return add_entry(words, block);
  if (const auto found = commands().find(name); found != commands().end())
    return describe((this->*found->second)(words));
  if (const auto function = functions_.find(name); function != functions_.end()) {
    const FunctionBody body = function->second;
    words.erase(words.begin());
    auto status = call(body, words);
    line_ = line;
    return status;
  }
  if (const size_t equals = name.find('='); equals != std::string::npos && equals > 0) {
    TRY_VOID(environment_.set(name.substr(0, equals), name.substr(equals + 1)));
    return Status::success;
  }
  note(fmt::format("{}: the command '{}' is not known and has no effect here", where, shown(name)));
  return describe(Status::unknown);
}

Result<Evaluator::Status> Evaluator::call(const FunctionBody& function, const Arguments& arguments) {
  const auto parameters = std::exchange(environment_.parameters, arguments);
  const std::string file = std::exchange(file_, function.file);
  const unsigned loops = std::exchange(loops_, 0);
  ++calls_;
  const Status status = TRY(run_block(*function.body));
  --calls_;
  environment_.parameters = parameters;
  file_ = file;
  loops_ = loops;
  if (flow_ == Flow::returned) flow_ = Flow::normal;
  return status;
}

Result<Evaluator::Status> Evaluator::run_text(std::string_view text, const std::string& name) {
  TRY_VOID(budget_.spend(text.size()));
  const auto script = TRY(parse_script(text, name));
  const std::string file = std::exchange(file_, name);
  const unsigned line = line_;
  const Status status = TRY(run_block(*script));
  // A script that has ended everything ends where it did.
  if (flow_ == Flow::ended) return status;
  file_ = file;
  line_ = line;
  return status;
}

Result<Evaluator::Status> Evaluator::run_file(const std::string& path) {
  const std::string text = TRY(read_text(path, kLargestScript));
  return run_text(text, path);
}

}  // namespace lifeboat::grub
