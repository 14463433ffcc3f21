%   What follows belongs to the module lowres_analysis: where in the text the names stand that are the program's own, and
%   its numbers, so that others can be put in their places.
%
%   A name is the program's own if the program defines a predicate so, or writes it as data, and nobody else gives it a
%   meaning: it is no operator, no function of arithmetic, has no predicate of SWI-Prolog's by that name, and is never an
%   argument of a predicate that might know it, as `count` in aggregate_all(count, ...) is. One character that is data may
%   be part of a text, and stays. So does each name where the program looks into texts, for what it finds there may be
%   what was asked; but not one with a digit: a number can be hidden so.

:- dynamic reads_texts/0.

most_places(5_000).

%   places(+Placed, +Module, -Names, -Numbers): [Name, From, To] and [From, To], by characters from 0; none at all if there
%   are too many, for a name must be changed everywhere or nowhere.

places(Placed, Module, Names, Numbers) :-
    catch(call_with_inference_limit(found_places(Placed, Module, Names, Numbers), 2_000_000, Limit), _, fail),
    Limit \== inference_limit_exceeded,
    !.
places(_, _, [], []).

found_places(Placed, Module, Names, Numbers) :-
    placed_terms(Placed, Found, []),
    most_places(Most),
    length(Found, Count),
    Count =< Most,
    retractall(reads_texts),
    ( member_of(name(Reader, Called, _, _), Found), looks_into(Reader, Called) -> assertz(reads_texts) ; true ),
    findall([From, To], member_of(number(From, To), Found), Numbers),
    findall(Name-at(Kind, From, To), member_of(name(Name, Kind, From, To), Found), Keyed),
    keysort(Keyed, Sorted),
    by_name(Sorted, Module, Names, []).

by_name([], _, Names, Names).
by_name([Name-At|More], Module, Names, Rest) :-
    same_name(Name, More, Ats, Others),
    (   own_name(Name, [At|Ats], Module) -> listed([At|Ats], Name, Names, Next) ; Names = Next ),
    by_name(Others, Module, Next, Rest).

same_name(Name, [Other-At|More], [At|Ats], Others) :- Other == Name, !, same_name(Name, More, Ats, Others).
same_name(_, Others, [], Others).

listed([], _, Names, Names).
listed([at(_, From, To)|Ats], Name, [[Name, From, To]|Names], Rest) :- listed(Ats, Name, Names, Rest).

own_name(Name, Ats, Module) :-
    \+ member_of(at(foreign, _, _), Ats),
    ( member_of(at(head, _, _), Ats) -> true ; member_of(at(data, _, _), Ats) ),
    ( atom_length(Name, 1) -> \+ member_of(at(data, _, _), Ats) ; true ),
    ( reads_texts -> \+ \+ ( sub_atom(Name, _, 1, _, Digit), Digit @>= '0', Digit @=< '9' ) ; true ),
    \+ known_name(Name, Module).

known_name(solve, _).
known_name([], _).
known_name(Name, _) :- \+ \+ current_predicate(system:Name/_).
known_name(Name, Module) :- \+ \+ current_predicate(Module:Name/_).
known_name(Name, Module) :- \+ \+ current_op(_, _, Module:Name).
known_name(Name, _) :- between(0, 3, Arity), functor(Term, Name, Arity), current_arithmetic_function(Term), !.
known_name(Name, _) :- between(0, 8, Arity), '$in_library'(Name, Arity, _), !.

%   placed_terms(+Placed, -Found, ?Rest): name(Name, Kind, From, To), of which Kind is head, goal, data or foreign, and
%   number(From, To), in each Term-Position.

placed_terms([], Found, Found).
placed_terms([Term-Position|Placed], Found, Rest) :-
    placed_term(Term, Position, Found, More),
    placed_terms(Placed, More, Rest).

placed_term(Term, parentheses_term_position(_, _, Inner), Found, Rest) :- !, placed_term(Term, Inner, Found, Rest).
placed_term((:- Goal), Position, Found, Rest) :- sub_positions(Position, [At]), !, placed(goal, Goal, At, Found, Rest).
placed_term((?- Goal), Position, Found, Rest) :- sub_positions(Position, [At]), !, placed(goal, Goal, At, Found, Rest).
placed_term((Head --> Body), Position, Found, Rest) :- sub_positions(Position, [At, BodyAt]), !,
    placed(rule_head, Head, At, Found, More), placed(grammar, Body, BodyAt, More, Rest).
placed_term(Clause, Position, Found, Rest) :- placed(clause, Clause, Position, Found, Rest).

sub_positions(term_position(_, _, _, _, Positions), Positions).

%   placed(+Context, +Term, +Position, -Found, ?Rest)

placed(_, Term, _, Found, Found) :- var(Term), !.
placed(Context, Term, parentheses_term_position(_, _, Inner), Found, Rest) :- !, placed(Context, Term, Inner, Found, Rest).
placed(_, Number, From-To, [number(From, To)|Found], Found) :- number(Number), !.
placed(Context, Name, From-To, [name(Name, Kind, From, To)|Found], Found) :- atom(Name), !, kind(Context, Name, Kind).
placed(Context, Term, term_position(_, _, From, To, Positions), [name(Name, Kind, From, To)|Found], Rest) :- !,
    compound_name_arguments(Term, Name, Arguments),
    kind(Context, Name, Kind),
    compound_name_arity(Term, _, Arity),
    contexts(Context, Name, Arity, Contexts),
    placed_all(Arguments, Positions, Contexts, Found, Rest).
placed(Context, {Term}, brace_term_position(_, _, Position), Found, Rest) :- !,
    ( braced(Context, Inner) -> true ; Inner = Context ),
    placed(Inner, Term, Position, Found, Rest).
placed(Context, List, list_position(_, _, Positions, Tail), Found, Rest) :- !,
    ( listed_in(Context, Inner) -> true ; Inner = Context ),
    placed_list(Positions, List, Tail, Inner, Found, Rest).
placed(_, _, _, Found, Found).  % a string, or what is no business of ours

placed_list([], Term, Position, Context, Found, Rest) :-
    ( Position == none -> Found = Rest ; placed(Context, Term, Position, Found, Rest) ).
placed_list([Position|Positions], [Term|Terms], Tail, Context, Found, Rest) :-
    placed(Context, Term, Position, Found, More),
    placed_list(Positions, Terms, Tail, Context, More, Rest).

placed_all([], _, _, Found, Found).
placed_all([Term|Terms], [Position|Positions], Contexts, Found, Rest) :-
    ( Contexts = [Context|Others] -> true ; Contexts = all(Context), Others = Contexts ),
    placed(Context, Term, Position, Found, More),
    placed_all(Terms, Positions, Others, More, Rest).

braced(goal, foreign).   braced(clause, foreign).   braced(grammar, goal).
listed_in(grammar, data).   listed_in(goal, foreign).   listed_in(rule_head, data).

kind(clause, Name, Kind) :- !, ( memberchk_of(Name, [(:-), (=>), (',')]) -> Kind = goal ; Kind = head ).
kind(rule_head, Name, Kind) :- !, ( Name == (',') -> Kind = goal ; Kind = head ).
kind(top, _, foreign) :- !.
kind(declared, _, head) :- !.
kind(Context, _, Kind) :- memberchk_of(Context, [data, foreign]), !, Kind = Context.
kind(_, _, goal).

memberchk_of(X, Ys) :- member_of(X, Ys), !.

%   contexts(+Context, +Name, +Arity, -Contexts): of the arguments.

contexts(clause, Name, 2, [clause, goal]) :- memberchk_of(Name, [(:-), (=>), (',')]), !.
contexts(clause, :, 2, [foreign, clause]) :- !.
contexts(rule_head, (','), 2, [rule_head, data]) :- !.
contexts(clause, _, _, all(data)) :- !.
contexts(rule_head, _, _, all(data)) :- !.
contexts(declared, op, 3, all(foreign)) :- !.
contexts(top, _, _, all(data)) :- !.
contexts(grammar, Name, Arity, all(grammar)) :- memberchk_of(Name/Arity, [(',')/2, (;)/2, ('|')/2, (->)/2, (\+)/1]), !.
contexts(grammar, call, _, [goal|Data]) :- !, Data = all(data).
contexts(grammar, _, _, all(data)) :- !.
contexts(goal, Name, Arity, Contexts) :- !, goal_contexts(Name, Arity, Contexts).
contexts(Context, _, _, all(Context)).

goal_contexts(Name, Arity, all(goal)) :-
    memberchk_of(Name/Arity, [(',')/2, (;)/2, (->)/2, (*->)/2, (\+)/1, not/1, once/1, ignore/1, forall/2, (initialization)/1,
                              call_cleanup/2, setup_call_cleanup/3, time/1]), !.
goal_contexts(call, _, [goal|all(data)]) :- !.
goal_contexts(phrase, _, [grammar|all(data)]) :- !.
goal_contexts(:, 2, [foreign, goal]) :- !.
goal_contexts(^, 2, [data, goal]) :- !.
goal_contexts(>>, _, [data, goal|all(data)]) :- !.
goal_contexts(Name, 3, [data, goal, data]) :- memberchk_of(Name, [findall, bagof, setof]), !.
goal_contexts(findall, 4, [data, goal, data, data]) :- !.
goal_contexts(aggregate_all, 3, [top, goal, data]) :- !.
goal_contexts(aggregate_all, 4, [top, data, goal, data]) :- !.
goal_contexts(catch, 3, [goal, foreign, goal]) :- !.
goal_contexts(Name, _, [goal|all(data)]) :-
    memberchk_of(Name, [maplist, foldl, include, exclude, partition, predsort]), !.
goal_contexts(Name, 1, [clause]) :- memberchk_of(Name, [assert, asserta, assertz, retract, retractall]), !.
goal_contexts(Name, _, all(declared)) :- memberchk_of(Name, [dynamic, discontiguous, table, multifile]), !.
goal_contexts(module, 2, [foreign, declared]) :- !.
goal_contexts(format, 2, [foreign, data]) :- !.
goal_contexts(format, 3, [foreign, foreign, data]) :- !.
goal_contexts(Name, Arity, all(data)) :- ( own(Name, Arity) ; transparent(Name) ), !.
goal_contexts(_, _, all(foreign)).

%   looks_into(+Name, +Kind): a predicate that finds something in the text of an atom, and is not the program's own.

looks_into(Name, Kind) :- memberchk_of(Kind, [goal, foreign]), \+ own(Name, _), into_text(Name), !.

into_text(Name) :- whole_text(Name).
into_text(sub_atom_icasechk).                           into_text(downcase_atom).   into_text(string_upper).
into_text(string_lower).    into_text(string_code).     into_text(get_string_code). into_text(split_string).
into_text(read_term_from_atom).                         into_text(string_to_atom).  into_text(text_concat).
into_text(text_to_string).  into_text(atom_to_term).    into_text(name).            into_text(write_length).

%   whole_text(?Name): of these that take any data for its text.

whole_text(atom_length).    whole_text(atom_concat).    whole_text(sub_atom).       whole_text(atom_chars).
whole_text(atom_codes).     whole_text(atom_number).    whole_text(atom_string).    whole_text(upcase_atom).
whole_text(string_concat).  whole_text(string_length).  whole_text(sub_string).     whole_text(string_chars).
whole_text(string_codes).   whole_text(term_to_atom).   whole_text(term_string).    whole_text(atomic_list_concat).

%   transparent(?Name): takes any data for what it is, or for its text.

transparent(Name) :- whole_text(Name).
transparent(=).            transparent(\=).           transparent(==).           transparent(\==).
transparent(dif).          transparent(@<).           transparent(@>).           transparent(@=<).
transparent(@>=).          transparent(compare).      transparent(member).       transparent(memberchk).
transparent(append).       transparent(select).       transparent(selectchk).    transparent(subtract).
transparent(nth0).         transparent(nth1).         transparent(last).         transparent(length).
transparent(reverse).      transparent(msort).        transparent(sort).         transparent(permutation).
transparent(delete).       transparent(list_to_set).  transparent(min_member).
transparent(nb_setval).    transparent(b_setval).     transparent(nb_getval).    transparent(b_getval).
transparent(functor).      transparent(arg).          transparent(=..).          transparent(copy_term).
transparent(clause).       transparent(current_predicate).                       transparent(predicate_property).
transparent(atom).         transparent(atomic).       transparent(number).       transparent(ground).
transparent(write).        transparent(print).        transparent(writeln).      transparent(writeq).
transparent(keysort).      transparent(pairs_keys_values).                       transparent(pairs_keys).
transparent(pairs_values). transparent(put_assoc).    transparent(get_assoc).    transparent(list_to_assoc).
transparent(union).        transparent(intersection). transparent(max_member).   transparent(list_to_ord_set).
