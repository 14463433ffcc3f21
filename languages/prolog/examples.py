"""Worked examples for the prompt: what a small model has to see of Prolog before it can begin."""

from lowres_code.language.base import Example

EXAMPLES = (
    Example(
        question="What is 14 * 32 - 85?",
        reasoning="The answer is the value of 14 * 32 - 85.",
        program="solve(X) :-\n    X is 14 * 32 - 85.",
        answer="363",
    ),
    Example(
        question="Anna has 3 boxes of 12 pencils each. She gives 7 pencils away. How many pencils has she left?",
        reasoning="Anna starts with 3 times 12 pencils and gives 7 away. What is left is 3 * 12 - 7.",
        program=(
            "boxes(anna, 3).\npencils_per_box(12).\ngiven_away(anna, 7).\n\n"
            "solve(Left) :-\n    boxes(anna, Boxes),\n    pencils_per_box(Pencils),\n    given_away(anna, Away),\n"
            "    Left is Boxes * Pencils - Away."
        ),
        answer="29",
    ),
    Example(
        question="A shirt costs 40 dollars. Today it is 25% cheaper, and Tom buys 3. How much does he pay?",
        reasoning="A shirt costs 100 - 25 = 75 percent of 40 dollars today. Tom pays that 3 times.",
        program=(
            "price(40).\ndiscount(25).\nbought(3).\n\n"
            "solve(Paid) :-\n    price(Price),\n    discount(Percent),\n    bought(Count),\n"
            "    Paid is Count * Price * (100 - Percent) / 100."
        ),
        answer="90",
    ),
    Example(
        question="Ben is three times as old as his sister. Together they are 24 years old. How old is Ben?",
        reasoning="Ben = 3 * Sister and Ben + Sister = 24.",
        program=":- use_module(library(clpq)).\n\nsolve(Ben) :-\n    {Ben = 3 * Sister, Ben + Sister = 24}.",
        answer="18",
    ),
    Example(
        question="How many of the numbers 3, 8, 12, 7 and 20 are even?",
        reasoning="Collect the numbers that leave no remainder when divided by 2, and count them.",
        program=(
            "numbers([3, 8, 12, 7, 20]).\n\neven(N) :-\n    N mod 2 =:= 0.\n\n"
            "solve(Count) :-\n    numbers(Numbers),\n    include(even, Numbers, Even),\n    length(Even, Count)."
        ),
        answer="3",
    ),
    Example(
        question="A bank account holds 500 dollars and grows by a tenth each year. How much is it after 2 years?",
        reasoning="Each year the amount is multiplied by 11 and divided by 10; this is done 2 times.",
        program=(
            "after(0, Amount, Amount).\nafter(Years, Amount, Final) :-\n    Years > 0,\n"
            "    Next is Amount * 11 / 10,\n    Left is Years - 1,\n    after(Left, Next, Final).\n\n"
            "solve(Final) :-\n    after(2, 500, Final)."
        ),
        answer="605",
    ),
)
