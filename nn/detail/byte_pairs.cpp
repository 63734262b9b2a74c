#include "byte_pairs.hpp"

#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>

namespace xgrad::nn::detail {

namespace {

enum class Kind { space, letter, sign };

Kind kind_of(char c) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) return Kind::space;
    const auto u = static_cast<unsigned char>(c);
    const bool letter = (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u > 127;
    return letter ? Kind::letter : Kind::sign;
}

/// Counts pairs of neighbours in words, and keeps the counts up to date while pairs are merged.
class PairCounter {
public:
    explicit PairCounter(std::vector<CountedWord> words) : words_(std::move(words)) {
        for (std::size_t w = 0; w < words_.size(); ++w) add_pairs(w);
        for (const auto& [key, pair] : pairs_) queue_.push({pair.count, key});
    }

    /// Takes the most frequent pair, the smallest if there are several; false when none occurs twice.
    bool take(BytePair& pair) {
        while (!queue_.empty()) {
            const Candidate best = queue_.top();
            queue_.pop();
            const std::int64_t count = pairs_[best.key].count;
            if (count < 2) continue;
            if (count != best.count) {  // its count has dropped since it was queued
                queue_.push({count, best.key});
                continue;
            }
            pair = {static_cast<std::int32_t>(best.key >> 32), static_cast<std::int32_t>(best.key & 0xffffffff)};
            return true;
        }
        return false;
    }

    void join(BytePair pair, std::int32_t token) {
        const std::vector<std::size_t> words = std::move(pairs_[key_of(pair)].words);
        std::vector<std::uint64_t> grown;
        for (const std::size_t w : words) {
            std::vector<std::int32_t>& tokens = words_[w].tokens;
            count_pairs(w, -1);
            std::size_t to = 0;
            for (std::size_t from = 0; from < tokens.size(); ++to) {
                const bool here =
                    from + 1 < tokens.size() && tokens[from] == pair.first && tokens[from + 1] == pair.second;
                tokens[to] = here ? token : tokens[from];
                from += here ? 2 : 1;
            }
            tokens.resize(to);
            count_pairs(w, 1);
            for (std::size_t i = 0; i + 1 < to; ++i)
                if (tokens[i] == token || tokens[i + 1] == token) {
                    const std::uint64_t key = key_of({tokens[i], tokens[i + 1]});
                    auto& found = pairs_[key].words;
                    if (found.empty() || found.back() != w) found.push_back(w);
                    grown.push_back(key);
                }
        }
        std::sort(grown.begin(), grown.end());
        grown.erase(std::unique(grown.begin(), grown.end()), grown.end());
        for (const std::uint64_t key : grown) queue_.push({pairs_[key].count, key});
    }

private:
    struct Pair {
        std::int64_t count = 0;
        std::vector<std::size_t> words;  // the words where the pair occurs, or did
    };
    struct Candidate {
        std::int64_t count;
        std::uint64_t key;
        friend bool operator<(const Candidate& a, const Candidate& b) {
            return a.count != b.count ? a.count < b.count : a.key > b.key;
        }
    };

    void count_pairs(std::size_t w, std::int64_t sign) {
        const CountedWord& word = words_[w];
        for (std::size_t i = 0; i + 1 < word.tokens.size(); ++i)
            pairs_[key_of({word.tokens[i], word.tokens[i + 1]})].count += sign * word.count;
    }
    void add_pairs(std::size_t w) {
        count_pairs(w, 1);
        const auto& tokens = words_[w].tokens;
        for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
            auto& found = pairs_[key_of({tokens[i], tokens[i + 1]})].words;
            if (found.empty() || found.back() != w) found.push_back(w);
        }
    }

    std::vector<CountedWord> words_;
    std::unordered_map<std::uint64_t, Pair> pairs_;
    std::priority_queue<Candidate> queue_;
};

}  // namespace

std::string_view first_word(std::string_view text) {
    std::size_t end = 0;
    if (text[0] == ' ' && text.size() > 1 && kind_of(text[1]) != Kind::space) end = 1;
    const Kind kind = kind_of(text[end]);
    const std::size_t most = std::min(text.size(), max_word);
    while (end < most && kind_of(text[end]) == kind) ++end;
    // The last of several spaces belongs to the following word.
    if (kind == Kind::space && end > 1 && end < text.size() && text[end - 1] == ' ') --end;
    return text.substr(0, end);
}

void join_pairs(std::vector<CountedWord> words, const std::function<std::int32_t(BytePair)>& token_of) {
    PairCounter counter(std::move(words));
    for (BytePair pair; counter.take(pair);) {
        const std::int32_t token = token_of(pair);
        if (token < 0) return;
        counter.join(pair, token);
    }
}

std::vector<BytePair> learn_byte_pairs(std::string_view text, std::size_t count) {
    std::map<std::string_view, std::int64_t> counts;
    while (!text.empty()) {
        const std::string_view word = first_word(text);
        ++counts[word];
        text.remove_prefix(word.size());
    }
    std::vector<CountedWord> words;
    for (const auto& [word, times] : counts) {
        words.push_back({{}, times});
        for (const char c : word) words.back().tokens.push_back(static_cast<unsigned char>(c));
    }
    std::vector<BytePair> pairs;
    join_pairs(std::move(words), [&](BytePair pair) {
        if (pairs.size() == count) return -1;
        pairs.push_back(pair);
        return static_cast<std::int32_t>(255 + pairs.size());
    });
    return pairs;
}

}  // namespace xgrad::nn::detail
