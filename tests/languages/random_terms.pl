/*  Prints pairs of random ground terms in random spellings, and whether SWI-Prolog reads the same term from both.

    A record is LEFT, RIGHT, same or different, separated by the byte 31 and ended by the byte 30. Numbers are the same
    by their values.
*/

:- initialization(main, main).

main :-
    set_random(seed(20240607)),
    forall(between(1, 1500, _), pair).

pair :-
    compound_term(4, A),
    ( maybe(0.4) -> B = A ; mutated(A, B) ),
    spelt(A, Left),
    spelt(B, Right),
    term_to_atom(ReadLeft, Left),
    term_to_atom(ReadRight, Right),
    ( same(ReadLeft, ReadRight) -> Verdict = same ; Verdict = different ),
    format("~w\x1f\~w\x1f\~w\x1e\", [Left, Right, Verdict]),
    !.
pair.  % what SWI-Prolog cannot read back itself: an operator that it writes without brackets

same(A, B) :- number(A), number(B), !, A =:= B.
same(A, B) :- compound(A), compound(B), !,
    compound_name_arguments(A, Name, As), compound_name_arguments(B, Name, Bs), maplist(same, As, Bs).
same(A, B) :- A == B.

spelt(Term, Text) :-
    random_member(How,
        [ writeq, print, write_canonical, portray_clause, ignore_ops, spaced, both ]),
    catch(spelt(How, Term, Text), _, fail),
    catch(term_to_atom(_, Text), _, fail),
    !.
spelt(Term, Text) :- spelt(write_canonical, Term, Text).

spelt(writeq, T, S) :- with_output_to(string(S), writeq(T)).
spelt(print, T, S) :- with_output_to(string(S), print(T)).
spelt(write_canonical, T, S) :- with_output_to(string(S), write_canonical(T)).
spelt(portray_clause, T, S) :- with_output_to(string(S), portray_clause(T)).
spelt(ignore_ops, T, S) :- option_text(T, [ignore_ops(true)], S).
spelt(spaced, T, S) :- option_text(T, [spacing(next_argument)], S).
spelt(both, T, S) :- option_text(T, [ignore_ops(true), spacing(next_argument)], S).

option_text(T, Options, S) :- with_output_to(string(S), write_term(T, [quoted(true)|Options])).

compound_term(Depth, T) :- repeat, term(Depth, T), compound(T), !.

term(0, T) :- !, leaf(T).
term(Depth, T) :-
    D is Depth - 1,
    random_member(Kind, [leaf, leaf, list, list, partial, plain, plain, infix, infix, prefix, curly]),
    term(Kind, D, T).

term(leaf, _, T) :- leaf(T).
term(list, D, T) :- random_between(0, 4, N), length(T, N), maplist(term(D), T).
term(partial, D, [H|T]) :- term(D, H), leaf(T).
term(plain, D, T) :- random_member(Name, [f, point, 'Big', 'two words', [], {}, -, 'is', '[|]']), random_between(1, 3, N),
    length(As, N), maplist(term(D), As), compound_name_arguments(T, Name, As).
term(infix, D, T) :- findall(N, (current_op(_, Type, N), memberchk(Type, [xfx, xfy, yfx]), N \== '.'), Names),
    random_member(Name, Names), term(D, A), term(D, B), T =.. [Name, A, B].
term(prefix, D, T) :- findall(N, (current_op(_, Type, N), memberchk(Type, [fy, fx])), Names),
    random_member(Name, Names), term(D, A), T =.. [Name, A].
term(curly, D, {T}) :- term(D, T).

leaf(T) :- random_between(1, 3, K), leaf(K, T).

leaf(1, T) :- random_member(T,
    [ a, anna, 'Anna', 'hello world', '', ' ', [], '[]', {}, é, 'Ñandu', 'don\'t', 'a\\b', 'new\nline', 'tab\t', +, -,
      *, =, ;, !, ',', '|', dynamic, is, mod, \+, :-, '/*', '.', '$', '0', a1, camelCase, '_x', -->, '\x1\', '"', '`' ]).
leaf(2, T) :- random_member(T,
    [ 0, 1, 42, -1, -42, 100000000000000000000, 1.5, -0.25, 2.0, 1.0e10, 1.0e-7, 1r3, -7r2, 3, 7 ]).
leaf(3, T) :- random_member(T, [ "", "text", "two words", "don't", "say \"hi\"", "a\nb", "é", "a\\b", a, b, c ]).

mutated(T, Other) :- compound(T), T \= [], compound_name_arguments(T, Name, As), As \== [], maybe(0.8), !,
    length(As, N), random_between(1, N, I), nth1(I, As, A, Rest), mutated(A, B), nth1(I, Bs, B, Rest),
    compound_name_arguments(Other, Name, Bs).
mutated(_, Other) :- leaf(Other).
