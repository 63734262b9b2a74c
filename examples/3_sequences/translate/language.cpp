#include "language.hpp"

#include <array>

namespace {

struct Subject {
    Tokens english, german;
    bool plural;
};
const std::vector<Subject> subjects = {
    {{"Anna"}, {"Anna"}, false},
    {{"Peter"}, {"Peter"}, false},
    {{"my", "sister"}, {"meine", "Schwester"}, false},
    {{"the", "old", "teacher"}, {"der", "alte", "Lehrer"}, false},
    {{"our", "neighbours"}, {"unsere", "Nachbarn"}, true},
    {{"the", "children"}, {"die", "Kinder"}, true},
};

struct Verb {
    std::string base, s_form, past;  // buy, buys, bought
    std::string infinitive, stem, participle;  // kaufen, kauf(t), gekauft
};
const std::vector<Verb> verbs = {
    {"buy", "buys", "bought", "kaufen", "kauf", "gekauft"},
    {"sell", "sells", "sold", "verkaufen", "verkauf", "verkauft"},
    {"count", "counts", "counted", "zählen", "zähl", "gezählt"},
    {"bring", "brings", "brought", "bringen", "bring", "gebracht"},
    {"collect", "collects", "collected", "sammeln", "sammel", "gesammelt"},
};

using Both = std::array<std::string, 2>;
const std::vector<Both> adjectives = {{"red", "rote"}, {"blue", "blaue"},   {"old", "alte"},
                                      {"new", "neue"}, {"small", "kleine"}, {"big", "große"}};
const std::vector<Both> things = {{"books", "Bücher"},  {"apples", "Äpfel"}, {"chairs", "Stühle"},
                                  {"cups", "Tassen"},   {"hats", "Hüte"},    {"letters", "Briefe"},
                                  {"stones", "Steine"}, {"boxes", "Kisten"}};
const std::vector<Both> months = {{"January", "Januar"},  {"February", "Februar"},  {"March", "März"},
                                  {"April", "April"},     {"May", "Mai"},           {"June", "Juni"},
                                  {"July", "Juli"},       {"August", "August"},     {"September", "September"},
                                  {"October", "Oktober"}, {"November", "November"}, {"December", "Dezember"}};

const Tokens ones = {"",         "one",     "two",     "three",     "four",     "five",    "six",
                     "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
                     "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
const Tokens tens = {"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
const Tokens ordinals = {"",           "first",     "second",    "third",       "fourth",     "fifth",     "sixth",
                         "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",   "thirteenth",
                         "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
const Tokens einer = {"",         "ein",      "zwei",     "drei",     "vier",     "fünf",    "sechs",
                      "sieben",   "acht",     "neun",     "zehn",     "elf",      "zwölf",   "dreizehn",
                      "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"};
const Tokens zehner = {"", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"};

void append(Tokens& tokens, const Tokens& more) { tokens.insert(tokens.end(), more.begin(), more.end()); }

Tokens english_number(std::size_t n) {
    if (n < 20) return {ones[n]};
    if (n < 100) return n % 10 == 0 ? Tokens{tens[n / 10]} : Tokens{tens[n / 10] + "-", ones[n % 10]};
    const std::size_t unit = n < 1000 ? 100 : 1000;
    Tokens tokens = english_number(n / unit);
    tokens.push_back(n < 1000 ? "hundred" : "thousand");
    if (n % unit == 0) return tokens;
    if (n % unit < 100) tokens.push_back("and");
    append(tokens, english_number(n % unit));
    return tokens;
}

/// The parts of a German number without the marks that join them: units come before tens.
Tokens german_parts(std::size_t n) {
    if (n < 20) return {einer[n]};
    if (n < 100) return n % 10 == 0 ? Tokens{zehner[n / 10]} : Tokens{einer[n % 10], "und", zehner[n / 10]};
    const std::size_t unit = n < 1000 ? 100 : 1000;
    Tokens tokens = german_parts(n / unit);
    tokens.push_back(n < 1000 ? "hundert" : "tausend");
    if (n % unit != 0) append(tokens, german_parts(n % unit));
    return tokens;
}

Tokens joined(Tokens parts) {
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) parts[i] += "+";
    return parts;
}

Tokens english_day(std::size_t n) {
    if (n < 20) return {ordinals[n]};
    if (n == 20) return {"twentieth"};
    return {tens[n / 10] + "-", ordinals[n % 10]};
}

Tokens german_day(std::size_t n) {
    if (n == 1) return {"ersten"};
    if (n == 3) return {"dritten"};
    if (n == 7) return {"siebten"};
    if (n == 8) return {"achten"};
    Tokens parts = german_parts(n);
    parts.back() += n < 20 ? "ten" : "sten";
    return joined(parts);
}

/// A count: one digit is as likely as five. Numbers ending in 01 are left out: German has several words for them, and
/// English "one" does not take a plural.
std::size_t draw_number(bool held_out, xgrad::Generator& generator) {
    constexpr std::array<std::size_t, 5> powers = {10, 100, 1000, 10000, 100000};
    for (;;) {
        const std::size_t end = powers[generator() % powers.size()];
        const std::size_t n = end / 10 + generator() % (end - end / 10);
        if (n % 100 != 1 && (n >= 20 && n % 7 == 3) == held_out) return n;
    }
}

}  // namespace

Pair draw_pair(bool held_out, xgrad::Generator& generator) {
    const auto any = [&](const auto& list) -> const auto& { return list[generator() % list.size()]; };
    const auto [subject, verb, adjective, thing, month] =
        std::tuple(any(subjects), any(verbs), any(adjectives), any(things), any(months));
    const std::size_t number = draw_number(held_out, generator), day = 1 + generator() % 28;
    const bool plural = subject.plural, described = generator() % 2, dated = generator() % 4,
               date_first = generator() % 2;

    Tokens english_date = {"on", "the"}, german_date = {"am"};
    append(english_date, english_day(day));
    append(english_date, {"of", month[0]});
    append(german_date, german_day(day));
    german_date.push_back(month[1]);

    // The four tenses. German splits compound verbs around everything else: "hat … gekauft".
    Tokens english_verb;
    std::string second, last;
    switch (generator() % 4) {
        case 0:
            english_verb = {plural ? verb.base : verb.s_form};
            second = plural ? verb.infinitive : verb.stem + "t";
            break;
        case 1:
            english_verb = {verb.past};
            second = plural ? "haben" : "hat", last = verb.participle;
            break;
        case 2:
            english_verb = {"will", verb.base};
            second = plural ? "werden" : "wird", last = verb.infinitive;
            break;
        default:
            english_verb = {plural ? "want" : "wants", "to", verb.base};
            second = plural ? "möchten" : "möchte", last = verb.infinitive;
    }

    Pair pair;
    if (dated && date_first) append(pair.english, english_date);
    append(pair.english, subject.english);
    append(pair.english, english_verb);
    append(pair.english, english_number(number));
    if (described) pair.english.push_back(adjective[0]);
    pair.english.push_back(thing[0]);
    if (dated && !date_first) append(pair.english, english_date);

    // In German the verb is the second part of the sentence, whatever comes first.
    if (dated && date_first) append(pair.german, german_date);
    else append(pair.german, subject.german);
    pair.german.push_back(second);
    if (dated) append(pair.german, date_first ? subject.german : german_date);
    append(pair.german, joined(german_parts(number)));
    if (described) pair.german.push_back(adjective[1]);
    pair.german.push_back(thing[1]);
    if (!last.empty()) pair.german.push_back(last);
    return pair;
}

std::string sentence(const Tokens& tokens) {
    std::string text;
    for (const std::string& token : tokens) {
        if (!text.empty() && text.back() == '+') text.pop_back();
        else if (!text.empty() && text.back() != '-') text += ' ';
        text += token;
    }
    return text;
}

xgrad::Tensor Words::encode(const Tokens& tokens) {
    std::vector<std::int64_t> numbers;
    for (const std::string& token : tokens) {
        const auto [at, is_new] = numbers_.try_emplace(token, size());
        if (is_new) words_.push_back(token);
        numbers.push_back(at->second);
    }
    return xgrad::tensor(numbers);
}

Tokens Words::decode(const xgrad::Tensor& numbers) const {
    Tokens tokens;
    for (const std::int64_t number : numbers.data<std::int64_t>()) {
        if (number == end) break;
        tokens.push_back(words_[static_cast<std::size_t>(number)]);
    }
    return tokens;
}
