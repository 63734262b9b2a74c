#pragma once

#include <autodiff/autodiff.hpp>

#include <map>
#include <string>
#include <vector>

// A small piece of English and the German of it, made by rules: who buys, sells or finds how many of what, and when.
//
// Words are the tokens. A German number is one word however long, "dreihundertfünfundvierzig", and an English one has
// hyphens; both are taken apart, "drei+ hundert+ fünf+ und+ vierzig" and "forty- five", and put together again by
// `sentence`.

using Tokens = std::vector<std::string>;

struct Pair {
    Tokens english, german;
};

/// A sentence about a random number of things, with up to five digits. Numbers from 20 on that leave 3 when divided by
/// 7 are in the held-out sentences, and in no others. (Smaller ones are words that cannot be put together of others,
/// but have to be learned.)
Pair draw_pair(bool held_out, xgrad::Generator& generator);

/// The tokens as one writes them.
std::string sentence(const Tokens& tokens);

/// The numbers of words. 0 fills up short sentences, 1 stands where a sentence begins and 2 where it ends.
class Words {
public:
    static constexpr std::int64_t padding = 0, begin = 1, end = 2;
    /// (n) i64; a new word gets the next number.
    xgrad::Tensor encode(const Tokens& tokens);
    /// The words of a vector of numbers, up to the one that ends the sentence.
    Tokens decode(const xgrad::Tensor& numbers) const;
    std::int64_t size() const { return static_cast<std::int64_t>(words_.size()); }

private:
    Tokens words_ = {"", "<", ">"};
    std::map<std::string, std::int64_t> numbers_;
};
