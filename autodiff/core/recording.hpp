#pragma once

#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "operation.hpp"
#include "tape.hpp"
#include "tensor.hpp"

// How the engine runs an operation and records it. apply.hpp is its user's side.

namespace xgrad::detail {

struct FusedStep;
class Trace;

/// How the engine handles an entry; one static table per type of operation.
struct Kind {
    void (*pull)(void* closure, Pull& pull);
    void (*destroy)(void* closure) noexcept;
    /// The incoming cotangents may have size 1 along axes where they do not vary, and so may those that `pull` returns.
    bool takes_reduced = false;
    /// How to pull back a block of the cotangent on its own (fused_chain.hpp); null if that is not possible.
    bool (*fuse)(void* closure, const Entry& entry, Needs needs, FusedStep& step) = nullptr;
};

/// One call of an entry's pullback.
struct Pull {
    Record& record;
    Entry& entry;
    Tensor* cotangents;  // of the entry's outputs
    Needs needs;
    Tensor* parts;  // the cotangents of the entry's inputs, to be filled in; an empty tensor: no dependence

    XGRAD_API std::span<const Tensor> all_cotangents() const;
    XGRAD_API std::span<Tensor> all_parts() const;
    /// Whether a tape records operations on the cotangents and these tensors.
    XGRAD_API bool recorded(std::span<const Tensor> saved) const;
    [[noreturn]] XGRAD_API void throw_wrong_number(std::size_t got) const;

    void fill(Tensor&& part) const {
        const std::span<Tensor> to = all_parts();
        if (to.size() != 1) throw_wrong_number(1);
        to[0] = std::move(part);
    }
    template <class Range>
    void fill(Range&& range) const {
        const std::span<Tensor> to = all_parts();
        if (range.size() != to.size()) throw_wrong_number(range.size());
        std::size_t i = 0;
        for (auto& part : range) to[i++] = std::move(part);
    }
};

/// The inputs of an operation that is about to run: their nodes, and the tapes that record them.
class Inputs {
public:
    /// An element of a braced list of inputs; it only refers to the tensor.
    struct Ref {
        const Tensor* tensor;
        Ref(const Tensor& t) : tensor(&t) {}
    };
    /// `differentiable`: tapes that record one of the inputs also record the operation.
    XGRAD_API Inputs(std::span<const Ref> tensors, bool differentiable);
    XGRAD_API Inputs(std::span<const Tensor> tensors, bool differentiable);
    Inputs(const Inputs&) = delete;
    Inputs& operator=(const Inputs&) = delete;

    const Tensor& operator()(std::size_t i) const { return *tensors_[i]; }
    std::size_t size() const { return tensors_.size(); }
    bool traced() const { return traced_; }
    bool recorded() const { return tapes_ != 0; }
    XGRAD_API Needs needs() const;

    /// A new entry for `outputs`, which become its nodes: where to construct its closure, and the pointer to set once
    /// it is constructed, which activates the entry.
    struct NewEntry {
        void* closure;
        const Kind** kind;
    };
    XGRAD_API NewEntry append(const char* name, std::span<Tensor> outputs, std::size_t closure_bytes,
                              Location where) const;
    /// Copies the tensors that `saves` names to `to`. `saves` must not name tensors that do not exist.
    XGRAD_API void save(Tensor* to, Saves saves, std::span<const Tensor> outputs) const noexcept;
    XGRAD_API void trace(const OperationType& type, const void* op, std::span<const Tensor> outputs,
                         Location where) const;

private:
    static constexpr std::size_t inline_inputs = 8;
    void reserve(std::size_t count);
    void find(std::size_t i, const Tensor& tensor, Record* record);

    const Tensor* inline_tensors_[inline_inputs];
    std::uint32_t inline_nodes_[inline_inputs];
    std::vector<const Tensor*> heap_tensors_;
    std::vector<std::uint32_t> heap_nodes_;
    std::span<const Tensor*> tensors_;
    std::span<std::uint32_t> nodes_;
    std::uint64_t tapes_ = 0;
    bool traced_ = false;
};

/// Nothing is recorded or traced inside an operation.
class InsideOperation {
public:
    XGRAD_API InsideOperation();
    XGRAD_API ~InsideOperation();
    InsideOperation(const InsideOperation&) = delete;
    InsideOperation& operator=(const InsideOperation&) = delete;

private:
    Record* paused_;
    std::uint64_t tapes_ = 0, visible_ = 0;
    Trace* trace_ = nullptr;
    std::uint32_t start_ = 0, changes_ = 0;
};

/// Whether an operation has a member named `pullback`, of any type.
template <class Op>
struct NamesPullback {
    struct Name {
        int pullback;
    };
    struct Both : Op, Name {};
    static constexpr bool value = !requires { &Both::pullback; };
};
template <class Op>
inline constexpr bool pulls_one = requires(const Op& op, Tensor g, const Saved& s) { op.pullback(std::move(g), s); } ||
                                  requires(const Op& op, Tensor g) { op.pullback(std::move(g)); };
template <class Op>
inline constexpr bool pulls_several = requires(const Op& op, std::span<const Tensor> g, const Saved& s) {
    op.pullback(g, s);
} || requires(const Op& op, std::span<const Tensor> g) { op.pullback(g); };
template <class Op>
constexpr bool has_pullback() {
    constexpr bool good = pulls_one<Op> || pulls_several<Op>;
    static_assert(good || !NamesPullback<Op>::value,
                  "xgrad: an operation's pullback takes (Tensor, const Saved&), or (std::span<const Tensor>, const "
                  "Saved&) of several "
                  "results, and is const");
    return good;
}

/// What a tape keeps of an operation that has run: the operation, followed by the tensors that it saves.
template <class Op>
struct alignas(alignof(Tensor) > alignof(Op) ? alignof(Tensor) : alignof(Op)) OperationEntry {
    [[no_unique_address]] Op op;
    Saves saves;

    Tensor* tensors() { return reinterpret_cast<Tensor*>(this + 1); }

    static constexpr bool single = pulls_one<Op>;
    static constexpr bool has_fused = requires { &Op::fused_pullback; };

    static void pull(void* closure, Pull& pull) {
        auto& self = *static_cast<OperationEntry*>(closure);
        const Saved saved(self.tensors(), self.saves, pull);
        if constexpr (has_fused) {
            if (!pull.recorded({self.tensors(), static_cast<std::size_t>(self.saves.count())})) {
                if constexpr (single) pull.fill(self.op.fused_pullback(std::move(*pull.cotangents), saved));
                else pull.fill(self.op.fused_pullback(pull.all_cotangents(), saved));
                return;
            }
        }
        if constexpr (requires(Tensor g) { self.op.pullback(std::move(g), saved); })
            pull.fill(self.op.pullback(std::move(*pull.cotangents), saved));
        else if constexpr (requires(Tensor g) { self.op.pullback(std::move(g)); })
            pull.fill(self.op.pullback(std::move(*pull.cotangents)));
        else if constexpr (requires { self.op.pullback(pull.all_cotangents(), saved); })
            pull.fill(self.op.pullback(pull.all_cotangents(), saved));
        else pull.fill(self.op.pullback(pull.all_cotangents()));
    }
    static void destroy(void* closure) noexcept {
        auto& self = *static_cast<OperationEntry*>(closure);
        for (int i = 0, n = self.saves.count(); i < n; ++i) self.tensors()[i].~Tensor();
        self.~OperationEntry();
    }
    static constexpr bool takes_reduced() {
        if constexpr (requires { Op::takes_reduced; }) return Op::takes_reduced;
        else return false;
    }
    static constexpr Kind kind{&pull, &destroy, takes_reduced()};
};

[[noreturn]] XGRAD_API void throw_no_output(const char* name, Location where);
[[noreturn]] XGRAD_API void throw_unknown_input(const char* name, std::size_t inputs, Location where);
[[noreturn]] XGRAD_API void throw_too_many_outputs(const char* name, std::size_t outputs, Location where);

/// What the tape keeps of this run. Outputs that `value` did not give are not among them.
template <class Op>
Saves saves_of([[maybe_unused]] const Op& op, const Inputs& inputs, std::size_t outputs, const char* name,
               Location where) {
    Saves saves;
    if constexpr (requires { Op::saves.inputs; }) {
        saves = Op::saves;
        if constexpr (requires { typename std::integral_constant<std::uint32_t, Op::saves.inputs>; }) {
            constexpr std::size_t count = input_count<Op>();
            static_assert(count == 0 || Op::saves.inputs >> count == 0,
                          "xgrad: an operation's `saves` names an input that its value does not take");
        }
    } else if constexpr (requires(Needs needs) { op.saves(needs); }) saves = op.saves(inputs.needs());
    if (inputs.size() < 32 && saves.inputs >> inputs.size()) throw_unknown_input(name, inputs.size(), where);
    if (outputs < 32) saves.outputs &= (std::uint32_t{1} << outputs) - 1;
    else if (outputs > 32 && saves.outputs == ~std::uint32_t{0}) throw_too_many_outputs(name, outputs, where);
    return saves;
}

inline std::span<Tensor> span_of(Tensor& result) { return {&result, 1}; }
template <class Range>
std::span<Tensor> span_of(Range& results) {
    return {results.data(), results.size()};
}

/// Those of an operation's outputs that are its results.
template <class Op, class Result>
std::span<Tensor> results_of(Result& outputs) {
    const std::span<Tensor> all = span_of(outputs);
    if constexpr (requires { Op::results; }) {
        if constexpr (requires { std::tuple_size<Result>::value; })
            static_assert(Op::results <= std::tuple_size<Result>::value, "xgrad: more results than the value gives");
        return all.first(all.size() < Op::results ? all.size() : Op::results);
    } else return all;
}

/// Runs the operation by calling `run(recorded)`, and records it if a tape records one of its inputs.
template <class Op, class Run>
auto run_and_record(Op&& op, const Inputs& inputs, Location where, const char* label, const Run& run) {
    using Type = std::remove_cvref_t<Op>;
    auto result = [&] {
        const InsideOperation inside;
        return run(inputs.traced() ? Needs(~std::uint64_t{0}) : inputs.needs());
    }();
    const std::span<Tensor> outputs = span_of(result);
    if (outputs.empty()) throw_no_output(label, where);
    for (Tensor& output : outputs) TensorAccess::set_origin(output, 0);
    if (inputs.traced()) inputs.trace(OperationTypeOf<Type>::type, &op, outputs, where);
    if constexpr (has_pullback<Type>()) {
        if (!inputs.recorded()) return result;
        using Closure = OperationEntry<Type>;
        static_assert(alignof(Closure) <= 16,
                      "xgrad: over-aligned fields or captures are not supported in an operation");
        const Saves saves = saves_of(op, inputs, outputs.size(), label, where);
        const Inputs::NewEntry entry =
            inputs.append(label, results_of<Type>(result),
                          sizeof(Closure) + static_cast<std::size_t>(saves.count()) * sizeof(Tensor), where);
        auto* closure = ::new (entry.closure) Closure{std::forward<Op>(op), saves};
        inputs.save(closure->tensors(), saves, outputs);
        *entry.kind = &Closure::kind;
    }
    return result;
}

}  // namespace xgrad::detail
