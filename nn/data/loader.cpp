#include "loader.hpp"

namespace xgrad::nn::detail {

void check_loader(const char* loader, std::int64_t batch_size, int num_workers, int prefetch_factor, Location where) {
    const auto message = [&](const char* rule, std::int64_t got) {
        return [=] { return std::string(loader) + ": " + rule + ", got " + std::to_string(got); };
    };
    check<ValueError>(batch_size > 0, where, message("batch_size must be positive", batch_size));
    check<ValueError>(num_workers >= 0, where, message("num_workers must not be negative", num_workers));
    check<ValueError>(prefetch_factor > 0, where, message("prefetch_factor must be positive", prefetch_factor));
    const std::int64_t ahead = std::int64_t{num_workers} * prefetch_factor;
    check<ValueError>(ahead <= 1 << 20, where,
                      message("num_workers times prefetch_factor must be at most 1048576 batches", ahead));
}

void check_order(bool shuffle, bool sampler, Location where) {
    check<ValueError>(!shuffle || !sampler, where, [] {
        return std::string("DataLoader: a sampler makes the order, so that shuffle must be off, got both");
    });
}

}  // namespace xgrad::nn::detail
