#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>

#include "detail/run.hpp"
#include "nn/detail/files.hpp"
#include "report.hpp"

// The checks before a run, and the report on the whole run.

namespace xgrad::nn::detail {

std::string readable_type(const std::type_info& type) {
    const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, nullptr),
                                                      &std::free);
    std::string name = text ? text.get() : type.name();
    const std::size_t arguments = std::min(name.find('<'), name.size());
    const std::size_t scope = name.substr(0, arguments).rfind("::");
    return scope == name.npos ? name : name.substr(scope + 2);
}

void check_options(const TrainerOptions& options, Location where) {
    const auto at_least = [&](const char* name, std::int64_t value, std::int64_t least) {
        check<ValueError>(value >= least, where, [&] {
            return std::string("Trainer: ") + name + " must be at least " + std::to_string(least) + ", got " +
                   std::to_string(value);
        });
    };
    at_least("epochs", options.epochs, 0);
    at_least("accumulate", options.accumulate, 1);
    at_least("checkpoint_epochs", options.checkpoint_epochs, 0);
    at_least("checkpoint_batches", options.checkpoint_batches, 0);
    if (options.patience) at_least("patience", *options.patience, 1);
    check<ValueError>(options.min_delta >= 0, where, [&] {
        return "Trainer: min_delta must not be negative, got " + PlainNumber(options.min_delta).text();
    });
    check<ValueError>(!options.clip_grad_norm || *options.clip_grad_norm > 0, where, [&] {
        return "Trainer: clip_grad_norm must be positive, got " + PlainNumber(*options.clip_grad_norm).text();
    });
    check<ValueError>(!options.resume || !options.out.empty(), where,
                      [] { return std::string("Trainer: to resume, a folder must be given as .out, got none"); });
}

void prepare_folder(const TrainerCore::Setup& setup, Location where) {
    make_folder(setup.options.out, where);
    if (setup.options.resume) return;
    for (const char* name : {"checkpoint.safetensors", "best.safetensors", "log.csv", "report.html"}) {
        const std::string path = setup.file(name);
        if (!std::filesystem::exists(path)) continue;
        check<ValueError>(setup.options.overwrite, where, [&] {
            return "Trainer: .out must be a folder without another run, got " + setup.options.out + " with a " + name +
                   "; set .resume to go on from it, .overwrite to replace it, or take another folder";
        });
        remove_file(path, where);
    }
}

void check_parts(const TrainerCore::Setup& setup, Location where) {
    std::vector<const Parameter*> trained;
    for (const OptimizedPart& part : setup.parts)
        for (const Parameter* p : parameters(part.part)) trained.push_back(p);
    const NamedParameters all = named_parameters(setup.model);
    for (const auto& [name, p] : all) {
        const auto times = std::count(trained.begin(), trained.end(), &p);
        check<ValueError>(times == 1, where, [&, &parameter = name] {
            return "Trainer: each parameter of the model must belong to one optimizer, got " + std::to_string(times) +
                   " for " + parameter;
        });
    }
    check<ValueError>(trained.size() == all.size(), where, [&] {
        return "Trainer: the optimizers must have parameters of the model only, got " + std::to_string(trained.size()) +
               " where it has " + std::to_string(all.size());
    });
}

std::string first_not_finite(ModelRef model) {
    for (const auto& [name, p] : named_parameters(model))
        if (is_floating(p.dtype()) && !all(isfinite(p.value())).item<bool>()) return name.empty() ? "parameter" : name;
    return {};
}

std::string report_of(const TrainerCore::Setup& setup, const RunState& run, std::int64_t batches) {
    std::string title = setup.model_name;
    for (const OptimizedPart& part : setup.parts)
        title += std::string(&part == &setup.parts[0] ? ", " : " and ") + part.optimizer.name();
    std::int64_t size = 0;
    for (const Parameter* p : parameters(setup.model)) size += p->size();
    std::vector<std::string> facts{std::to_string(size) + (size == 1 ? " parameter" : " parameters")};
    if (batches > 0)
        facts.push_back(std::to_string(batches) + " batches" +
                        (run.largest_batch > 0 ? " of up to " + std::to_string(run.largest_batch) + " samples" : "") +
                        " in an epoch");
    char date[32];
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    std::strftime(date, sizeof date, "%Y-%m-%d %H:%M", localtime_r(&now, &local));
    facts.emplace_back(date);
    return report_html(run.history, title, facts);
}

}  // namespace xgrad::nn::detail
