#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include <autodiff/core/export.hpp>

// One pass over a loader's batches, made by the loop's own thread or by workers in advance. Internal to nn.

namespace xgrad::nn::detail {

/// The source of the batches of a pass.
class XGRAD_API BatchSource {
public:
    virtual ~BatchSource();
    /// Fetches what batch number `at` needs; false after the last one. Called for one batch after another, by one
    /// thread at a time.
    virtual bool fetch(std::int64_t at, std::size_t slot) = 0;
    /// Makes the batch and stores it in its slot. Called by several threads at once, for different slots.
    virtual void make(std::int64_t at, std::size_t slot) = 0;
};

/// Makes batches in advance on `workers` threads, at most `slots` that have not been taken yet; without workers, each
/// batch is made when it is requested. An error is thrown to the caller that requests the batch where it happened. The
/// destructor stops the threads after their current batches.
class XGRAD_API Prefetch {
public:
    Prefetch(BatchSource& source, std::int64_t first, int workers, std::size_t slots);
    Prefetch(const Prefetch&) = delete;
    Prefetch& operator=(const Prefetch&) = delete;
    ~Prefetch();

    /// Waits for the next batch: its slot belongs to the caller until the next call. False at the end.
    bool next(std::size_t& slot);

private:
    struct Shared;
    BatchSource& source_;
    std::int64_t at_;
    std::unique_ptr<Shared> shared_;  // null without workers
};

/// The pass that an iterator over batches advances through.
template <class Batch>
class Pass : public BatchSource {
public:
    explicit Pass(std::size_t slots) : batches(slots) {}
    std::vector<Batch> batches;
};

template <class Batch>
class BatchIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    BatchIterator(std::unique_ptr<Pass<Batch>> pass, std::int64_t first, int workers)
        : running_(std::make_shared<Running>(std::move(pass), first, workers)) {
        load();
    }

    Batch& operator*() { return batch_; }
    BatchIterator& operator++() {
        batch_ = Batch();  // releases its buffers for the next batch
        load();
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const BatchIterator& it, std::default_sentinel_t) { return it.running_ == nullptr; }

private:
    struct Running {
        Running(std::unique_ptr<Pass<Batch>> p, std::int64_t first, int workers)
            : pass(std::move(p)), prefetch(*pass, first, workers, pass->batches.size()) {}
        std::unique_ptr<Pass<Batch>> pass;
        Prefetch prefetch;  // destroyed, and so stopped, before `pass`
    };
    void load() {
        std::size_t slot = 0;
        if (running_->prefetch.next(slot)) batch_ = std::exchange(running_->pass->batches[slot], Batch());
        else running_ = nullptr;
    }

    std::shared_ptr<Running> running_;
    Batch batch_;
};

}  // namespace xgrad::nn::detail
